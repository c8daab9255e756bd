// As leaders.api.test.ts, with the program as it is delivered and the durations of every day.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repoRoot } from '../../../e2e/lib/cache.ts';
import { run } from '../../../e2e/lib/process.ts';
import {
  certManagerCRDs,
  CRDS,
  operatorKubeconfig,
  startEnvironment,
  type Environment,
} from '../reconcile/testing/environment.ts';
import { keepFigure } from './testing/figures.ts';
import { twoOperators } from './testing/two-operators.ts';

const RENEW_DEADLINE = 10_000;

let env: Environment;
beforeAll(async () => {
  await run(process.execPath, [join(repoRoot, 'operator/build.mjs')]);
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);
afterAll(() => env.stop());

test('a leader that is stopped, and one that is killed', async () => {
  const kubeconfig = await operatorKubeconfig(env.plane, env.api);
  const command = [
    join(repoRoot, 'operator/dist/main.js'),
    `--kubeconfig=${kubeconfig}`,
    '--metrics-bind-address=127.0.0.1:0',
  ];
  const story = await twoOperators(env, [command, command], RENEW_DEADLINE, 60_000);
  expect(story.turns).toEqual([story.first, story.second, story.first]);
  expect(story.late).toEqual([]);
  expect(story.overlapping).toEqual([]);
  await keepFigure({ id: 'leader', seconds: story.killed });
});
