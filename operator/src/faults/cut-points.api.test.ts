// The operator dies between two writes of a life, and what its successor makes is what an undisturbed one makes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { courseCRDs } from './testing/course.ts';
import { dieEverywhere } from './testing/die-everywhere.ts';

const EVERY = 6;

let env: Environment;
beforeAll(async () => {
  env = await startEnvironment(await courseCRDs());
}, 600_000);
afterAll(() => env.stop());

test('after every sixth write, from its creation to its deletion', async () => {
  // cut-points.long.test.ts dies after every one, and before.
  const { undisturbed, disturbed } = await dieEverywhere(env, EVERY, ['after']);
  expect(undisturbed.writes.length).toBeGreaterThan(12);
  expect(undisturbed.remains.flat().length).toBeGreaterThan(10);
  for (const { writes, remains } of disturbed) {
    expect({ after: writes.at(-1), remains }).toEqual({ after: writes.at(-1), remains: undisturbed.remains });
  }
  const recovered = disturbed.flatMap(({ recoveredIn }) => recoveredIn ?? []);
  expect(recovered.length).toBeGreaterThanOrEqual(Math.floor(undisturbed.writes.length / EVERY) - 1);
}, 120_000);
