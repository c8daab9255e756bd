import { nowMs } from '../audit-log.ts';
import { sampleMemory } from '../memory.ts';
import { followUntilQuiet, follow } from '../population.ts';
import { countOf } from '../results.ts';
import { ownWrites, reads } from '../world.ts';
import type { World } from '../world.ts';
import { ensureReady } from './contest.ts';

/** Stopped as by a rollout, and started again. */
export async function restart(world: World): Promise<void> {
  const { resources } = world.options;
  await ensureReady(world);
  await world.progress.step('restart', async () => {
    await world.stopOperator();
    await world.operatorRequests();
    const spawnedMs = nowMs();
    const operator = await world.operator();
    const looked = async (): Promise<boolean> =>
      (await operator.metric('kcp_mcp_operator_reconcile_total')) >= resources;
    const requests = await follow(world, 'all to be looked at', looked, { intervalMs: 50 });
    const reconciledMs = Math.round(nowMs() - spawnedMs);
    requests.push(...(await followUntilQuiet(world)));
    world.results.restart = {
      resources,
      workingMs: operator.workingAfterMs,
      reconciledMs,
      writes: countOf(ownWrites(requests)),
      reads: countOf(reads(requests)),
    };
    await sampleMemory(world, 'restart', resources);
  });
}
