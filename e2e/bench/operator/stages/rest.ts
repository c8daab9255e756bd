import { setTimeout as delay } from 'node:timers/promises';
import { isWrite } from '../audit-log.ts';
import { sampleMemory } from '../memory.ts';
import { places } from '../objects.ts';
import { complete, create } from '../population.ts';
import { countOf } from '../results.ts';
import type { Rest } from '../results.ts';
import { ownWrites, reads } from '../world.ts';
import type { World } from '../world.ts';
import { ensureReady } from './contest.ts';

/** Nothing happens, for long: with Pods that never become ready, then with Pods that are. */
export async function rest(world: World): Promise<void> {
  const all = places(world.options.resources);
  const operator = await world.operator();
  if ((await operator.metric('kcp_mcp_operator_resources')) < all.length)
    await world.progress.step(`create ${all.length}`, () => create(world, all));
  await world.progress.step('let Pods start and not become ready', () => complete(world, all, 'start'));
  await doNothing(world, 'never ready');
  await ensureReady(world);
  await doNothing(world, 'ready');
}

async function doNothing(world: World, pods: Rest['pods']): Promise<void> {
  const { minutes, resources } = world.options;
  await world.progress.step(`at rest for ${minutes} min, Pods ${pods}`, async () => {
    await world.operatorRequests();
    await delay(minutes * 60_000);
    const requests = await world.operatorRequests();
    const operator = await world.operator();
    world.results.rests.push({
      pods,
      resources,
      minutes,
      writes: countOf(ownWrites(requests)),
      lease: requests.filter((request) => isWrite(request) && request.resource === 'leases').length,
      reads: countOf(reads(requests)),
      memory: operator.memory(),
      connections: operator.connections(),
    });
    await sampleMemory(world, `${minutes} min at rest, Pods ${pods}`, resources);
  });
}
