import { nowMs } from '../audit-log.ts';
import type { Request } from '../audit-log.ts';
import { sampleMemory } from '../memory.ts';
import { apply, kubeconfigSecret, places, SOURCE } from '../objects.ts';
import type { Place } from '../objects.ts';
import { clear, create, followUntilQuiet } from '../population.ts';
import { countOf } from '../results.ts';
import { ownWrites } from '../world.ts';
import type { World } from '../world.ts';
import { ensureReady } from './contest.ts';

/** The one kubeconfig that all use changes. */
export async function rotation(world: World): Promise<void> {
  await ensureReady(world);
  await world.progress.step('rotate the one source of all', () => rotate(world, [SOURCE]));
}

/** As many kubeconfigs as resources, each a Secret of its own, and all change. */
export async function sources(world: World): Promise<void> {
  const all = places(world.options.resources);
  const own = all.map(({ namespace, name }) => ({ namespace, name: `${name}-source` }));
  await world.progress.step(`${all.length} created with a source each`, async () => {
    if ((await (await world.operator()).metric('kcp_mcp_operator_resources')) > 0) await clear(world);
    // Memory is that of a process that had nothing else to do.
    await world.stopOperator();
    await world.admin.each(own, async (place) => {
      await world.admin.send(apply('secrets', place, kubeconfigSecret(place, world.kcp, 'first')));
    });
    await create(world, all, ({ name }) => ({ secretRef: { name: `${name}-source`, key: 'kubeconfig' } }));
    await ensureReady(world);
    await sampleMemory(world, 'creation with a source each', all.length);
  });
  await world.progress.step('rotate all sources', () => rotate(world, own));
}

async function rotate(world: World, from: readonly Place[]): Promise<void> {
  const { results, options, admin, kcp } = world;
  await world.operatorRequests();
  const firstMs = nowMs();
  const changing = admin.each(from, async (place) => {
    await admin.send(apply('secrets', place, kubeconfigSecret(place, kcp, `rotated-${Math.round(firstMs)}`)));
  });
  await changing;
  const writes = ownWrites(await followUntilQuiet(world));
  const copies = writes.filter(({ resource, code }) => resource === 'secrets' && code < 300);
  const copied = new Set(copies.map(({ namespace, name }) => `${namespace}/${name}`)).size;
  if (copied < options.resources) throw new Error(`${copied} of ${options.resources} copies were updated`);
  const latest = (requests: readonly Request[]): number => Math.max(...requests.map(({ toMs }) => toMs));
  const operator = await world.operator();
  results.rotations.push({
    resources: options.resources,
    sources: from.length,
    copiedMs: Math.round(latest(copies) - firstMs),
    settledMs: Math.round(latest(writes) - firstMs),
    writes: countOf(writes),
    memory: operator.memory(),
    connections: operator.connections(),
  });
}
