// As cut-points.api.test.ts, but dying before each write, too.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { courseCRDs } from './testing/course.ts';
import { dieEverywhere } from './testing/die-everywhere.ts';
import { keepFigure } from './testing/figures.ts';

let env: Environment;
beforeAll(async () => {
  env = await startEnvironment(await courseCRDs());
}, 600_000);
afterAll(() => env.stop());

test('before and after every write, from its creation to its deletion', async () => {
  const { undisturbed, disturbed } = await dieEverywhere(env, 1, ['before', 'after']);
  for (const { writes, remains } of disturbed) {
    expect({ at: writes.at(-1), remains }).toEqual({ at: writes.at(-1), remains: undisturbed.remains });
  }
  const recovered = disturbed.flatMap(({ recoveredIn }) => recoveredIn ?? []);
  expect(recovered.length).toBeGreaterThanOrEqual(2 * (undisturbed.writes.length - 2));
  await keepFigure({ id: 'cut-points', seconds: Math.max(...recovered), requests: recovered.length });
});
