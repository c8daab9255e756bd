import { describe, expect, test } from '@jest/globals';
import { FakeClock, settle } from '../kube/testing/fake-clock.ts';
import { SharedChecks, type Verdict } from './shared-checks.ts';

/** Answers are their own verdict, with a detail after a colon. */
function world(first: string) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const woken: string[] = [];
  const signals: AbortSignal[] = [];
  const now: { answer: string | Promise<string> } = { answer: first };
  const checks = new SharedChecks<string, string>({
    ask: (question, signal) => {
      asked.push(question);
      signals.push(signal);
      return Promise.resolve(now.answer);
    },
    judge: (answer) => answer.split(':')[0] as Verdict,
    wake: (user) => woken.push(user),
    clock,
    random: () => 0,
  });
  return { clock, asked, signals, woken, now, checks };
}

const MINUTE = 60_000;

describe('a question', () => {
  test('is asked once for a thousand that have it, and all are woken by the answer', async () => {
    const { checks, asked, woken } = world('good');
    const users = Array.from({ length: 1000 }, (_, index) => `user-${index}`);
    for (const user of users) expect(checks.look('q', user)).toBeUndefined();
    await settle();
    expect(asked).toEqual(['q']);
    expect(woken).toEqual(users);
    expect(checks.look('q', 'one more')).toBe('good');
    expect(asked).toEqual(['q']);
  });

  test('is asked again every ten minutes while all is well, and nobody is woken', async () => {
    const { checks, asked, woken, clock } = world('good');
    checks.look('q', 'a');
    await clock.advance(60 * MINUTE);
    expect(asked).toHaveLength(7);
    expect(woken).toEqual(['a']);
  });

  test('that nobody has any more is forgotten', async () => {
    const { checks, asked, clock } = world('good');
    checks.look('q', 'a');
    checks.look('q', 'b');
    checks.look('r', 'a');
    await settle();
    checks.release('a', ['r']);
    expect(checks.size).toBe(2);
    checks.release('b');
    expect(checks.size).toBe(1);
    await clock.advance(60 * MINUTE);
    expect(asked.filter((question) => question === 'q')).toHaveLength(1);
    checks.stop();
    expect([checks.size, clock.timers]).toEqual([0, 0]);
  });

  test('that nobody has any more while it is being asked is given up, and its answer forgotten', async () => {
    const { checks, asked, signals, woken, now, clock } = world('');
    const { promise, resolve } = Promise.withResolvers<string>();
    now.answer = promise;
    checks.look('q', 'a');
    await settle();
    checks.release('a');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    resolve('bad');
    await clock.advance(60 * MINUTE);
    expect([asked.length, woken, clock.timers]).toEqual([1, [], 0]);
  });
});

test('questions that get no answer leave places to those that may', async () => {
  const { checks, asked, now, clock } = world('passing');
  for (let index = 0; index < 100; index += 1) checks.look(`silent-${index}`, 'a');
  await clock.advance(1);
  expect(asked).toHaveLength(100);
  now.answer = Promise.withResolvers<string>().promise;
  await clock.advance(MINUTE);
  expect(asked).toHaveLength(104);
  checks.look('new', 'b');
  await settle();
  expect(asked.at(-1)).toBe('new');
  checks.stop();
});

describe('an answer that changes', () => {
  test('to a bad one is told at once, and asked again within a minute until it is mended', async () => {
    const { checks, now, woken, clock } = world('good');
    checks.look('q', 'a');
    await settle();
    now.answer = 'bad';
    await clock.advance(10 * MINUTE);
    expect(checks.look('q', 'a')).toBe('bad');
    await clock.advance(10 * MINUTE);
    now.answer = 'good';
    await clock.advance(MINUTE);
    expect(checks.look('q', 'a')).toBe('good');
    expect(woken).toEqual(['a', 'a', 'a']);
  });

  test('to a passing fault is told once it was seen three times in a row', async () => {
    const { checks, now, woken, asked, clock } = world('good');
    checks.look('q', 'a');
    await settle();
    now.answer = 'passing:refused';
    await clock.advance(10 * MINUTE + 5_000);
    expect(asked).toHaveLength(3);
    expect(checks.look('q', 'a')).toBe('good');
    now.answer = 'passing:timeout';
    await clock.advance(10_000);
    expect(checks.look('q', 'a')).toBe('passing:timeout');
    expect(woken).toHaveLength(2);
  });

  test('from one passing fault to another and back wakes nobody', async () => {
    const { checks, now, woken, clock } = world('passing:refused');
    checks.look('q', 'a');
    await clock.advance(5 * MINUTE);
    expect(woken).toHaveLength(1);
    for (let round = 0; round < 30; round += 1) {
      now.answer = round % 2 ? 'passing:refused' : 'passing:timeout';
      await clock.advance(MINUTE);
    }
    expect(woken).toHaveLength(1);
    expect(checks.look('q', 'a')).toBe('passing:refused');
    now.answer = 'passing:timeout';
    await clock.advance(3 * MINUTE);
    expect(checks.look('q', 'a')).toBe('passing:timeout');
  });
});

test('no more than eight are asked at a time', async () => {
  let running = 0;
  let most = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const checks = new SharedChecks<number, string>({
    ask: async () => {
      running += 1;
      most = Math.max(most, running);
      const answer = await promise;
      running -= 1;
      return answer;
    },
    judge: () => 'good',
    wake: () => undefined,
    clock: new FakeClock(),
  });
  for (let question = 0; question < 50; question += 1) checks.look(question, 'a');
  await settle();
  resolve('good');
  await settle();
  expect(most).toBe(8);
  expect(checks.look(49, 'a')).toBe('good');
});
