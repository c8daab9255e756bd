import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { IndexStand } from './kcp/workspace-index.ts';

const name = (rest: string) => `kcp_mcp_runtime_${rest}`;

/** Labels hold tools, codes and reasons only: never callers, workspaces or objects, which are private and unbounded. */
export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Creates the process's metrics in a registry of their own.
 *
 * @param version of the runtime, for `kcp_mcp_runtime_build_info`.
 */
export function createMetrics(version: string) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: name('build_info'),
    help: 'Always 1; the version as a label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  return {
    registry,
    httpRequests: new Counter({
      name: name('http_requests_total'),
      help: 'Answers on the public port by route and status code.',
      labelNames: ['route', 'code'] as const,
      registers,
    }),
    inFlight: new Gauge({
      name: name('http_requests_in_flight'),
      help: 'Requests to the MCP endpoint under way.',
      registers,
    }),
    authFailures: new Counter({
      name: name('auth_failures_total'),
      help: 'Requests refused for their token, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    rateLimited: new Counter({
      name: name('rate_limited_total'),
      help: 'Requests refused because their caller makes too many.',
      registers,
    }),
    toolCalls: new Counter({
      name: name('tool_calls_total'),
      help: 'Tool calls by tool and result.',
      labelNames: ['tool', 'result'] as const,
      registers,
    }),
    toolSeconds: new Histogram({
      name: name('tool_call_duration_seconds'),
      help: 'How long tool calls take.',
      labelNames: ['tool'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    kcpRequests: new Counter({
      name: name('kcp_requests_total'),
      help: 'Requests to kcp by method and outcome: a status code or the name of an error.',
      labelNames: ['method', 'outcome'] as const,
      registers,
    }),
    kcpSeconds: new Histogram({
      name: name('kcp_request_duration_seconds'),
      help: 'How long requests to kcp take.',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    inventories: new Counter({
      name: name('inventories_total'),
      help: "Looks at one caller's workspaces, by source (caller: a walk, index), cause (call, background) and result.",
      labelNames: ['source', 'cause', 'result'] as const,
      registers,
    }),
    keyRefreshes: new Counter({
      name: name('issuer_key_refreshes_total'),
      help: "Attempts to load the issuer's keys, by result.",
      labelNames: ['result'] as const,
      registers,
    }),
    tokenExchanges: new Counter({
      name: name('token_exchanges_total'),
      help: "Exchanges of callers' tokens at the issuer, by result: success or what kept it from working.",
      labelNames: ['result'] as const,
      registers,
    }),
    reloads: new Counter({
      name: name('reloads_total'),
      help: 'Changed files taken over, by what changed and result.',
      labelNames: ['what', 'result'] as const,
      registers,
    }),
    certificateNotAfter: new Gauge({
      name: name('certificate_not_after_seconds'),
      help: 'When the served certificate expires, in seconds since the epoch.',
      registers,
    }),
  };
}

/**
 * Creates the metrics of the workspace index, which are absent where none is configured.
 *
 * @returns sets them.
 */
export function createIndexMetrics(registry: Registry): (stand: IndexStand) => void {
  const registers = [registry];
  const usable = new Gauge({
    name: name('index_usable'),
    help: 'Whether the workspace index answers callers (1), or a walk with their own token does (0).',
    registers,
  });
  const workspaces = new Gauge({
    name: name('index_workspaces'),
    help: 'Workspaces in the index, over all shards.',
    registers,
  });
  const shards = new Gauge({
    name: name('index_shards'),
    help: 'Shards that are indexed: synced, or waiting for contact.',
    labelNames: ['state'] as const,
    registers,
  });
  return (stand) => {
    usable.set(stand.usable ? 1 : 0);
    workspaces.set(stand.workspaces);
    shards.set({ state: 'synced' }, stand.shards.synced);
    shards.set({ state: 'waiting' }, stand.shards.waiting);
  };
}
