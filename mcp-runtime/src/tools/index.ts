import { ProtocolError } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { RuntimeConfig } from '../config/schema.ts';
import { mayEnter } from '../kcp/access.ts';
import type { KcpClient } from '../kcp/client.ts';
import { UnknownKindError, createDiscovery } from '../kcp/discovery.ts';
import { KcpError, KcpStatusError } from '../kcp/errors.ts';
import { explain } from '../kcp/explain.ts';
import type { Explanation } from '../kcp/explain.ts';
import { createInventory } from '../kcp/inventory.ts';
import type { CallerWorkspaces } from '../kcp/inventory.ts';
import { stringAt } from '../kcp/json.ts';
import { InvalidPathError } from '../kcp/paths.ts';
import { toolError } from '../output/text.ts';
import { createPolicy } from '../policy.ts';
import { ALL_TOOLS } from './all.ts';
import { ToolError } from './tool.ts';
import type { Call, CallContext, CallToolResult, Tool, ToolDefinition } from './tool.ts';

export type { CallContext, CallToolResult, ToolDefinition };

export interface ToolDeps {
  readonly kcp: KcpClient;
  readonly config: RuntimeConfig;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly clock?: () => number;
}

/** The tools of this server, behind their gates. */
export interface Toolset {
  /** What `tools/list` answers: made once, the same for every caller. */
  list(): ToolDefinition[];
  /**
   * Calls a tool.
   * @returns also failures (`isError`), with a text that helps on.
   * @throws {ProtocolError} for a tool that doesn't exist.
   */
  call(name: string, args: unknown, context: CallContext): Promise<CallToolResult>;
  /** Completes an argument: `workspace` from the caller's own workspaces; others have nothing to offer. */
  complete(argument: string, value: string, context: CallContext): Promise<string[]>;
}

/** MCP: `completion/complete` returns at most 100 values. */
const MAX_COMPLETIONS = 100;
// JSON-RPC 2.0 §5.1; MCP uses it for unknown tools.
const INVALID_PARAMS = -32602;

export function createToolset({ kcp, config, clock = Date.now }: ToolDeps): Toolset {
  const policy = createPolicy(config);
  const { default_workspace: root, inventory_max_age: maxAgeMs } = config.cluster_provider_configs.kcp;
  const shared = {
    kcp,
    config,
    clock,
    policy,
    discovery: createDiscovery(kcp, clock),
    inventory: createInventory({ kcp, root, maxAgeMs, clock }),
  };
  const tools = new Map(ALL_TOOLS.map((tool) => [tool.name, tool]));
  const definitions = ALL_TOOLS.filter((tool) => refusal(tool) === undefined).map(define);

  function refusal(tool: Tool): string | undefined {
    const kinds = tool.touches ?? [];
    return policy.refuseTool(tool) ?? kinds.map((kind) => policy.refuseKind(kind)).find((why) => why !== undefined);
  }

  async function run(tool: Tool, args: unknown, call: Call): Promise<CallToolResult> {
    const why = refusal(tool);
    if (why !== undefined) throw new ToolError(why, 'denied');
    const parsed = tool.input.safeParse(args ?? {});
    if (!parsed.success) throw new ToolError(describeIssues(tool, parsed.error), 'invalid');
    return tool.handle(parsed.data, call);
  }

  return {
    list: () => definitions,
    async call(name, args, context) {
      const tool = tools.get(name);
      if (tool === undefined) throw new ProtocolError(INVALID_PARAMS, `Unknown tool: ${name.slice(0, 100)}`);
      const call: Call = {
        ...context,
        ...shared,
        audit: (fields) => {
          context.audit(fields);
        },
      };
      try {
        const result = await run(tool, args, call);
        call.audit({ result: 'ok' });
        return result;
      } catch (error) {
        const { text, result } = await explainFailure(error, call);
        call.audit({ result });
        return toolError(text);
      }
    },
    async complete(argument, value, { principal, signal }) {
      if (argument !== 'workspace') return [];
      const found = await callerWorkspaces({ ...shared, principal, signal });
      const paths = found?.enterable.map(({ path }) => path) ?? [];
      return paths.filter((path) => path.startsWith(value)).slice(0, MAX_COMPLETIONS);
    },
  };
}

function define({ name, title, description, annotations, input, output }: Tool): ToolDefinition {
  return {
    name,
    title,
    description,
    annotations: { title, ...annotations },
    inputSchema: z.toJSONSchema(input, { io: 'input' }) as ToolDefinition['inputSchema'],
    ...(output !== undefined && {
      outputSchema: z.toJSONSchema(output),
    }),
  };
}

/** Wrong arguments, so that the next call can be right: what's wrong, and which arguments there are. */
function describeIssues({ name, input }: Tool, { issues }: z.ZodError): string {
  const wrong = issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  const known = Object.keys(z.toJSONSchema(input, { io: 'input' }).properties ?? {});
  const takes = known.length === 0 ? 'no arguments' : known.join(', ');
  return `Wrong arguments for ${name}: ${wrong.join('; ')}. It takes: ${takes}.`;
}

async function explainFailure(error: unknown, call: Call): Promise<Explanation> {
  if (error instanceof ToolError) return { text: error.message, result: error.result };
  if (error instanceof InvalidPathError) return { text: error.message, result: 'invalid' };
  if (error instanceof UnknownKindError) return { text: error.message, result: 'not_found' };
  if (call.signal.aborted) return { text: 'The call was cancelled.', result: 'cancelled' };
  if (!(error instanceof KcpError)) throw error;

  const { principal, kcp, inventory, discovery, signal } = call;
  const { workspace, target } = error.context;
  if (error instanceof KcpStatusError && error.status === 403) inventory.refused(principal, workspace);
  if (error instanceof KcpStatusError && target !== undefined && mayBeOutdated(error)) {
    discovery.forget({ workspace, groupVersion: target, principal });
  }
  return explain(error, {
    principal,
    workspaces: () => callerWorkspaces(call),
    mayEnter: (place) => mayEnter(kcp, place, { token: principal.token, signal }).catch(() => undefined),
  });
}

/** The caller's workspaces, where they may be told and can be found out. */
async function callerWorkspaces({
  inventory,
  policy,
  principal,
  signal,
}: Pick<Call, 'inventory' | 'policy' | 'principal' | 'signal'>): Promise<CallerWorkspaces | undefined> {
  if (policy.refuseKind({ group: 'tenancy.kcp.io', kind: 'Workspace' }) !== undefined) return undefined;
  try {
    return await inventory.get(principal, signal);
  } catch (error) {
    if (error instanceof KcpError || signal.aborted) return undefined;
    throw error;
  }
}

/** Whether what discovery said may not hold any more: access is gone, or the API (a missing object is named in the answer). */
function mayBeOutdated({ status, body }: KcpStatusError): boolean {
  return status === 403 || (status === 404 && stringAt(body, 'details', 'name') === undefined);
}
