import { loadavg } from 'node:os';
import { join } from 'node:path';
import operatorPackage from '../../../operator/package.json' with { type: 'json' };
import { repoRoot } from '../../lib/cache.ts';
import { stopAll } from '../../lib/process.ts';
import { createProgress } from '../../lib/progress.ts';
import { thisCommit, thisMachine } from '../measure/machine.ts';
import { places } from './objects.ts';
import type { Options, Stage } from './options.ts';
import { grantAll } from './population.ts';
import type { OperatorResults } from './results.ts';
import { away } from './stages/away.ts';
import { contest } from './stages/contest.ts';
import { created } from './stages/created.ts';
import { drift } from './stages/drift.ts';
import { rest } from './stages/rest.ts';
import { restart } from './stages/restart.ts';
import { rotation, sources } from './stages/rotation.ts';
import { recordTemplate } from './template.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

/** Run folder of the benchmark. */
export const runDir = join(repoRoot, '.testing/bench-operator');

const stages: Record<Stage, (world: World) => Promise<void>> = {
  created,
  contest: async (world) => {
    await contest(world, await recordTemplate(world));
  },
  rest,
  restart,
  away,
  drift,
  rotation,
  sources,
};

/**
 * Measures everything that the options ask for. What it started is gone when it returns or throws.
 *
 * @param save is called with all results so far after each stage: a late failure doesn't take what was measured with it
 */
export async function benchOperator(
  options: Options,
  command: string,
  save: (results: OperatorResults) => Promise<void>,
): Promise<OperatorResults> {
  const results: OperatorResults = {
    format: 1,
    of: 'operator',
    date: new Date().toISOString(),
    command,
    commit: thisCommit(),
    machine: thisMachine(),
    versions: { operator: operatorPackage.version, kubernetes: '' },
    quick: options.quick,
    load: [],
    contest: [],
    rests: [],
    away: [],
    drifts: [],
    rotations: [],
    memory: [],
  };
  const progress = createProgress();
  try {
    const world = await progress.step('start etcd and kube-apiserver', () =>
      createWorld({ options, results, progress, dir: runDir }),
    );
    const { gitVersion } = (await world.admin.send({ method: 'GET', path: '/version' })) as { gitVersion: string };
    results.versions.kubernetes = gitVersion;
    await progress.step('Roles for each', () => grantAll(world, places(options.resources)));
    for (const stage of options.only) {
      results.load.push({ stage, average: loadavg()[0] ?? NaN });
      await stages[stage](world);
      await save(results);
    }
    await world.close();
    return results;
  } finally {
    await stopAll(runDir);
  }
}
