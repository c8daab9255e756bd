// Of two operators one writes, whatever happens to it and whatever its clock says.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  certManagerCRDs,
  CRDS,
  operatorKubeconfig,
  OPERATOR_NAMESPACE,
  startEnvironment,
  type Environment,
} from '../reconcile/testing/environment.ts';
import type { ProgramOptions } from './testing/program.ts';
import { twoOperators } from './testing/two-operators.ts';

/** A fifth of every day's, to the bounds' own proportions. */
const lease = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 };
const TEN_MINUTES = 600_000;

let env: Environment;
beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);
afterAll(() => env.stop());

test('a leader that is stopped, and one that is killed; their clocks are ten minutes ahead and behind', async () => {
  const kubeconfig = await operatorKubeconfig(env.plane, env.api);
  const commands = [
    { identity: 'ahead', skewMs: TEN_MINUTES },
    { identity: 'behind', skewMs: -TEN_MINUTES },
  ].map((replica) => {
    const options: ProgramOptions = { kubeconfig, lease, leaseNamespace: OPERATOR_NAMESPACE, ...replica };
    return [join(import.meta.dirname, 'testing/program.ts'), JSON.stringify(options)];
  });
  const story = await twoOperators(env, commands, lease.renewDeadlineMs, 15_000);
  expect(story.turns).toEqual([story.first, story.second, story.first]);
  expect(story.late).toEqual([]);
  expect(story.overlapping).toEqual([]);
}, 60_000);
