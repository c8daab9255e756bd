import { sampleMemory } from '../memory.ts';
import { places } from '../objects.ts';
import { clear, complete, create } from '../population.ts';
import { countOf } from '../results.ts';
import type { ContestRound } from '../results.ts';
import { writeFlatOut } from '../template.ts';
import type { Template } from '../template.ts';
import { ownWrites } from '../world.ts';
import type { World } from '../world.ts';

const WARM_UP = 100;

/**
 * The operator and a client that makes the same writes flat out, in turns. The longer an API server has run, the more it takes for
 * each write: so who goes first alternates. The operator has the last turn, and its resources stay.
 */
export async function contest(world: World, template: Template): Promise<void> {
  const { options, results, progress } = world;
  const all = places(options.resources);

  const flatOutTurn = async (title: string): Promise<ContestRound['flatOut']> => {
    await world.stopOperator();
    return progress.step(`${title}: flat out`, () => writeFlatOut(world, template, all));
  };
  const operatorTurn = async (title: string): Promise<ContestRound['operator']> => {
    await world.stopOperator();
    await progress.step(`${title}: start the operator anew`, () => warmUp(world));
    const operator = await progress.step(`${title}: operator`, () => create(world, all));
    await sampleMemory(world, 'creation', all.length);
    return operator;
  };
  const cleanUp = (): Promise<void> => progress.step('clean up', () => clear(world));

  for (let round = 1; round <= options.rounds; round++) {
    const title = `contest, round ${round} of ${options.rounds}`;
    if ((options.rounds - round) % 2 === 0) {
      const flatOut = await flatOutTurn(title);
      await cleanUp();
      results.contest.push({ operator: await operatorTurn(title), flatOut });
    } else {
      const operator = await operatorTurn(title);
      await cleanUp();
      results.contest.push({ operator, flatOut: await flatOutTurn(title) });
    }
    if (round < options.rounds) await cleanUp();
  }
}

/** A process that has just been started is slower, and a flat-out client that has run for long isn't. */
async function warmUp(world: World): Promise<void> {
  const some = places(Math.min(WARM_UP, world.options.resources));
  await create(world, some);
  await complete(world, some, 'run');
  await clear(world);
}

/** All resources that later stages work on are there, and ready. */
export async function ensureReady(world: World): Promise<void> {
  const operator = await world.operator();
  const all = places(world.options.resources);
  if ((await operator.metric('kcp_mcp_operator_resources')) < all.length)
    await world.progress.step(`create ${all.length}`, () => create(world, all));
  if ((await readyCount(world)) < all.length) {
    await world.progress.step('let them become ready', async () => {
      const requests = await complete(world, all, 'run');
      world.results.becomingReady ??= { resources: all.length, writes: countOf(ownWrites(requests)) };
    });
    const ready = await readyCount(world);
    if (ready < all.length) throw new Error(`${ready} of ${all.length} became ready`);
  }
}

async function readyCount(world: World): Promise<number> {
  return (await world.operator()).metric('kcp_mcp_operator_resources{ready="True"}');
}
