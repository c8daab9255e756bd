/** Creating, completing and removing many KcpMcpServers, and telling from the audit log when they are served. */
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../lib/wait.ts';
import { isWrite, nowMs } from './audit-log.ts';
import type { Request } from './audit-log.ts';
import {
  certificateIssued,
  child,
  CHILDREN,
  collections,
  grant,
  kcpMcpServer,
  keyOf,
  namespaces,
  pathOf,
  podsRun,
  podsStart,
} from './objects.ts';
import type { Place } from './objects.ts';
import { MERGE } from './pool.ts';
import { countOf } from './results.ts';
import type { Creation } from './results.ts';
import { cpuBetween, ownWrites, reads } from './world.ts';
import type { World } from './world.ts';

const STATUS = 'kcpmcpservers/status';
/** `server-0000`, with which the names of all children begin. */
const NAME_LENGTH = 'server-0000'.length;

/** Tells which resources have all children and, after that, a status. */
export class Served {
  readonly #expected: ReadonlySet<string>;
  readonly #applied = new Map<string, { kinds: Set<string>; lastMs: number }>();
  /** By key: when that was so, in milliseconds since the epoch. */
  readonly at = new Map<string, number>();

  constructor(places: readonly Place[], expected: ReadonlySet<string> = new Set(Object.keys(CHILDREN))) {
    this.#expected = expected;
    for (const place of places) this.#applied.set(keyOf(place), { kinds: new Set(), lastMs: 0 });
  }

  take(requests: readonly Request[]): void {
    for (const request of requests) {
      const { resource, namespace, name, code, fromMs, toMs } = request;
      const key = keyOf({ namespace, name: name.slice(0, NAME_LENGTH) });
      const known = this.#applied.get(key);
      if (!known || !isWrite(request) || code < 200 || code >= 300) continue;
      if (this.#expected.has(resource)) {
        known.kinds.add(resource);
        known.lastMs = Math.max(known.lastMs, toMs);
      } else if (resource === STATUS && known.kinds.size === this.#expected.size && fromMs >= known.lastMs) {
        if (!this.at.has(key)) this.at.set(key, toMs);
      }
    }
  }

  get all(): boolean {
    return this.at.size === this.#applied.size;
  }
}

/** Follows the operator's requests until `done`; all of them. */
export async function follow(
  world: World,
  what: string,
  done: (requests: readonly Request[]) => boolean | Promise<boolean>,
  { deadlineMs = 600_000, intervalMs = 200 } = {},
): Promise<Request[]> {
  const all: Request[] = [];
  const deadline = nowMs() + deadlineMs;
  for (;;) {
    const some = await world.operatorRequests();
    all.push(...some);
    if (await done(some)) return all;
    if (nowMs() > deadline) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`);
    await delay(intervalMs);
  }
}

/** Follows the operator until it has written nothing for a while: events come late. */
export async function followUntilQuiet(world: World, quietMs = 3_000): Promise<Request[]> {
  let lastMs = nowMs();
  return follow(world, 'the operator to be done', (requests) => {
    if (ownWrites(requests).length > 0) lastMs = nowMs();
    return nowMs() - lastMs > quietMs;
  });
}

/** The Role that comes with each KcpMcpServer, as in config/samples. Not part of any figure. */
export async function grantAll(world: World, places: readonly Place[]): Promise<void> {
  await world.admin.each(places, async (place) => {
    const { namespace, name } = place;
    const calls = grant(name, namespace, [
      { names: [child('secrets', place).name], verbs: ['get', 'watch', 'create', 'patch', 'delete'] },
      { names: [child('certificates', place).name, `${name}-source`], verbs: ['get', 'watch'] },
    ]);
    for (const call of calls) await world.admin.send(call);
  });
}

/** Creates all at once, on 16 connections, and waits until the operator has served them. */
export async function create(
  world: World,
  places: readonly Place[],
  kcp?: (place: Place) => object,
): Promise<Creation> {
  await world.operator();
  await world.operatorRequests();
  const served = new Served(places);
  const createdAt = new Map<string, number>();
  const cpu = await world.cpu();
  const firstMs = nowMs();
  const creating = world.admin.each(places, async (place) => {
    const path = collections['kcpmcpservers']?.(place.namespace) ?? '';
    await world.admin.send({ method: 'POST', path, body: kcpMcpServer(place, world.issuer.url, kcp?.(place)) });
    createdAt.set(keyOf(place), nowMs());
  });
  const following = follow(world, 'all children and status', (requests) => {
    served.take(requests);
    return served.all;
  });
  await creating;
  const createMs = nowMs() - firstMs;
  const requests = [...(await following), ...(await followUntilQuiet(world))];
  const cpuMs = cpuBetween(cpu, await world.cpu());
  const lastMs = Math.max(...served.at.values());
  return {
    resources: places.length,
    createMs: Math.round(createMs),
    totalMs: Math.round(lastMs - firstMs),
    waitsMs: places.map((place) => {
      const key = keyOf(place);
      return Math.round((served.at.get(key) ?? NaN) - (createdAt.get(key) ?? NaN));
    }),
    writes: countOf(ownWrites(requests)),
    reads: countOf(reads(requests)),
    cpuMs,
  };
}

/** cert-manager issues, and the Pods come up: or start, and never become ready. */
export async function complete(world: World, places: readonly Place[], pods: 'start' | 'run'): Promise<Request[]> {
  await world.operatorRequests();
  const statusOf = pods === 'run' ? podsRun : podsStart;
  await world.admin.each(places, async (place) => {
    const certificate = pathOf('certificates', child('certificates', place));
    const deployment = pathOf('deployments', child('deployments', place));
    const patch = { method: 'PATCH', contentType: MERGE } as const;
    await world.admin.send({ ...patch, path: `${certificate}/status`, body: certificateIssued() });
    const live = (await world.admin.send({ method: 'GET', path: deployment })) as { metadata: { generation: number } };
    await world.admin.send({ ...patch, path: `${deployment}/status`, body: statusOf(live.metadata.generation) });
  });
  return followUntilQuiet(world);
}

/** Removes all KcpMcpServers and, in place of the garbage collector, what belonged to them. */
export async function clear(world: World): Promise<void> {
  const remove = async (plural: string): Promise<void> => {
    await world.admin.each(namespaces, async (namespace) => {
      await world.admin.send({ method: 'DELETE', path: collections[plural]?.(namespace) ?? '' });
    });
  };
  await remove('kcpmcpservers');
  const operator = await world.operator();
  // What it still took for wanted it would bring back.
  const gone = async (): Promise<boolean> => (await operator.metric('kcp_mcp_operator_resources')) === 0;
  await waitFor('the operator to see that all are gone', gone, { deadlineMs: 120_000 });
  await followUntilQuiet(world, 1_000);
  for (const plural of [...Object.keys(CHILDREN), 'events']) await remove(plural);
  await followUntilQuiet(world, 1_000);
}
