import { expect, test } from '@jest/globals';
import { DeadlineError, HopelessError, together, waitFor } from './wait.ts';

const soon = { deadlineMs: 5000, intervalMs: 1 };

test('returns the first truthy value, past falsy ones and errors', async () => {
  const answers = [false, undefined, new Error('refused'), 'ready', 'later'];
  const check = () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  await expect(waitFor('an answer', check, soon)).resolves.toBe('ready');
});

test('says what it waited for and what went wrong last', async () => {
  const waiting = waitFor('the moon', () => Promise.reject(new Error('clouds')), { deadlineMs: 20, intervalMs: 5 });
  await expect(waiting).rejects.toThrow(/^waited 0.02 s for the moon: clouds$/);
  await expect(waiting).rejects.toBeInstanceOf(DeadlineError);
});

test('checks once more at the deadline', async () => {
  let checks = 0;
  await expect(
    waitFor(
      'nothing',
      () => {
        checks++;
      },
      { deadlineMs: 10, intervalMs: 1000 },
    ),
  ).rejects.toThrow(DeadlineError);
  // A timer may be a moment early; then it looks again.
  expect(checks).toBeGreaterThan(1);
});

test('gives up at once when there is no hope', async () => {
  let checks = 0;
  const check = () => {
    checks++;
    throw new HopelessError('it has ended');
  };
  await expect(waitFor('it', check, soon)).rejects.toThrow('it has ended');
  expect(checks).toBe(1);
});

test('ends with the signal', async () => {
  const controller = new AbortController();
  const waiting = waitFor('it', () => false, { deadlineMs: 60_000, intervalMs: 60_000, signal: controller.signal });
  controller.abort(new Error('interrupted'));
  await expect(waiting).rejects.toThrow();
});

test('together lets the rest finish before it fails', async () => {
  let finished = false;
  const slow = new Promise<void>((done) => setTimeout(done, 20)).then(() => (finished = true));
  await expect(together([slow, Promise.reject(new Error('broken'))])).rejects.toThrow('broken');
  expect(finished).toBe(true);
  await expect(together([Promise.resolve(1), Promise.resolve('a')])).resolves.toEqual([1, 'a']);
});
