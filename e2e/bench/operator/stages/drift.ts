import { nowMs } from '../audit-log.ts';
import { sampleMemory } from '../memory.ts';
import { child, CHILDREN, pathOf, places } from '../objects.ts';
import type { ChildKind, Place } from '../objects.ts';
import { follow } from '../population.ts';
import { MERGE } from '../pool.ts';
import type { Call } from '../pool.ts';
import { ownWrites } from '../world.ts';
import type { World } from '../world.ts';
import { ensureReady } from './contest.ts';

const kinds = Object.keys(CHILDREN) as ChildKind[];

/** What a hand may do to each. */
const edits: Record<ChildKind, object> = {
  serviceaccounts: { automountServiceAccountToken: true },
  secrets: { data: { kubeconfig: 'ZWRpdGVk' } },
  configmaps: { data: { 'config.toml': 'edited = true' } },
  certificates: { spec: { dnsNames: ['edited.example.com'] } },
  services: { spec: { type: 'NodePort' } },
  deployments: { spec: { template: { spec: { terminationGracePeriodSeconds: 90 } } } },
};

/** Children are deleted or edited by hand, one at a time, each of another resource; the operator brings them back. */
export async function drift(world: World): Promise<void> {
  const { options, results, progress } = world;
  await ensureReady(world);
  const all = places(options.resources);
  await progress.step(`${options.drifts} children deleted or edited by hand`, async () => {
    for (let index = 0; index < options.drifts; index++) {
      const kind = kinds[index % kinds.length] ?? 'services';
      const how = Math.floor(index / kinds.length) % 2 === 0 ? 'deleted' : 'edited';
      const place = all[(index * 7) % all.length];
      if (place) results.drifts.push({ how, resource: kind, ms: await once(world, kind, how, child(kind, place)) });
    }
    await sampleMemory(world, 'children deleted and edited', options.resources);
  });
}

async function once(world: World, kind: ChildKind, how: 'deleted' | 'edited', place: Place): Promise<number> {
  const path = pathOf(kind, place);
  const call: Call =
    how === 'deleted' ? { method: 'DELETE', path } : { method: 'PATCH', path, contentType: MERGE, body: edits[kind] };
  await world.operatorRequests();
  await world.admin.send(call);
  const doneMs = nowMs();
  let backMs: number | undefined;
  await follow(
    world,
    `${kind} ${place.name} to be back`,
    (requests) => {
      const repair = ownWrites(requests).find(
        ({ resource, name, namespace, code }) =>
          resource === kind && name === place.name && namespace === place.namespace && code < 300,
      );
      backMs ??= repair?.toMs;
      return backMs !== undefined;
    },
    { deadlineMs: 60_000, intervalMs: 10 },
  );
  return Math.max(0, Math.round(((backMs ?? NaN) - doneMs) * 10) / 10);
}
