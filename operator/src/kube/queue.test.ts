import { expect, test } from '@jest/globals';
import { createWorkQueue } from './queue.ts';
import type { QueueOptions, WorkQueue } from './queue.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';

type Result = NonNullable<Awaited<ReturnType<QueueOptions['process']>>>;

interface Running {
  key: string;
  signal: AbortSignal;
  done: (result?: Result) => void;
  fail: (error: unknown) => void;
}

/** A queue whose work the test finishes by hand. */
function setup(options: Partial<QueueOptions> = {}): {
  queue: WorkQueue;
  clock: FakeClock;
  running: Running[];
  started: string[];
  finish: (key: string, result?: Result) => Promise<void>;
  fail: (key: string, error?: unknown) => Promise<void>;
} {
  const clock = new FakeClock();
  const running: Running[] = [];
  const started: string[] = [];
  const queue = createWorkQueue({
    clock,
    random: () => 0,
    process: (key, signal) => {
      started.push(key);
      const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
      running.push({ key, signal, done: resolve, fail: reject });
      return promise;
    },
    ...options,
  });
  queue.start();
  const take = (key: string): Running => {
    const index = running.findIndex((each) => each.key === key);
    const [found] = running.splice(index, index < 0 ? 0 : 1);
    if (found === undefined) throw new Error(`${key} is not being worked on`);
    return found;
  };
  return {
    queue,
    clock,
    running,
    started,
    finish: async (key, result) => {
      take(key).done(result);
      await settle();
    },
    fail: async (key, error = new Error('failed')) => {
      take(key).fail(error);
      await settle();
    },
  };
}

test('a key is in the queue once, and worked on once more when it came back meanwhile', async () => {
  const { queue, started, finish } = setup({ concurrency: 2 });
  queue.add('a');
  queue.add('a');
  await settle();
  expect(started).toEqual(['a']);
  queue.add('a');
  queue.add('a');
  await settle();
  expect(queue.stats()).toEqual({ waiting: 0, delayed: 0, active: 1 });
  await finish('a');
  expect(started).toEqual(['a', 'a']);
  await finish('a');
  expect(queue.stats()).toEqual({ waiting: 0, delayed: 0, active: 0 });
});

test('what the work caused itself does not bring its key back, and what it did not know of does', async () => {
  const { queue, started, finish, fail } = setup();
  const turn = async (causes: (string | undefined)[], end: () => Promise<void>): Promise<number> => {
    const before = started.length;
    queue.add('a');
    await settle();
    for (const cause of causes) queue.add('a', cause);
    await end();
    const turns = started.length - before;
    if (turns > 1) await finish('a');
    return turns;
  };
  const caused = new Set(['7', '8']);
  expect(await turn(['7', '8', '7'], () => finish('a', { caused }))).toBe(1);
  expect(await turn(['7', '9'], () => finish('a', { caused }))).toBe(2);
  expect(await turn(['7', undefined], () => finish('a', { caused }))).toBe(2);
  expect(await turn(['7'], () => finish('a'))).toBe(2);
  expect(await turn(['7'], () => fail('a'))).toBe(2);
});

test('at most so many keys are worked on at a time, in the order in which they came', async () => {
  const { queue, started, finish } = setup({ concurrency: 2 });
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  await settle();
  expect(started).toEqual(['a', 'b']);
  await finish('b');
  expect(started).toEqual(['a', 'b', 'c']);
  await finish('a');
  expect(started).toEqual(['a', 'b', 'c', 'd']);
});

test('a key that always comes back delays no other', async () => {
  const { queue, started, finish } = setup({ concurrency: 1 });
  for (const key of ['busy', 'b', 'c']) queue.add(key);
  await settle();
  for (let i = 0; i < 6; i++) {
    queue.add('busy');
    await finish(started.at(-1) ?? '');
  }
  expect(started).toEqual(['busy', 'b', 'c', 'busy', 'busy', 'busy', 'busy']);
});

test('a failing key is retried with exponential backoff, alone, and forgets it by success', async () => {
  const retries: unknown[] = [];
  const { queue, clock, started, finish, fail } = setup({
    backoff: { minMs: 100, maxMs: 300 },
    hooks: { onRetry: (key, _, failures, delay) => retries.push([key, failures, delay]) },
  });
  queue.add('bad');
  for (const delay of [100, 200, 300, 300]) {
    await settle();
    await fail('bad');
    queue.add('good');
    await settle();
    await finish('good');
    await clock.advance(delay - 1);
    expect(started.at(-1)).toBe('good');
    await clock.advance(1);
    expect(started.at(-1)).toBe('bad');
  }
  expect(retries).toEqual([
    ['bad', 1, 100],
    ['bad', 2, 200],
    ['bad', 3, 300],
    ['bad', 4, 300],
  ]);
  await finish('bad');
  queue.add('bad');
  await settle();
  await fail('bad');
  expect(retries.at(-1)).toEqual(['bad', 1, 100]);
});

test('jitter shortens the delay by up to a half', async () => {
  const { queue, clock, started, fail } = setup({ random: () => 1, backoff: { minMs: 100 } });
  queue.add('a');
  await settle();
  await fail('a');
  await clock.advance(50);
  expect(started).toEqual(['a', 'a']);
});

test("an error's retryAfterMs is honoured, and longestDelayMs caps the backoff", async () => {
  const { queue, clock, started, fail } = setup({
    longestDelayMs: (error) => (error === 'unreachable' ? 50 : undefined),
    backoff: { minMs: 1000 },
  });
  queue.add('a');
  await settle();
  await fail('a', { retryAfterMs: 7_000 });
  await clock.advance(6_999);
  expect(started).toHaveLength(1);
  await clock.advance(1);
  await fail('a', 'unreachable');
  await clock.advance(50);
  expect(started).toHaveLength(3);
});

test('afterMs brings a key back, and what comes earlier makes that unnecessary', async () => {
  const { queue, clock, started, finish } = setup();
  queue.add('a');
  await settle();
  await finish('a', { afterMs: 1_000 });
  await clock.advance(999);
  expect(started).toHaveLength(1);
  await clock.advance(1);
  expect(started).toHaveLength(2);
  await finish('a', { afterMs: 1_000 });
  queue.add('a');
  await settle();
  await finish('a');
  await clock.advance(5_000);
  expect(started).toHaveLength(3);
});

test('the earliest of several delays wins', async () => {
  const { queue, clock, started, finish } = setup();
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 300);
  queue.addAfter('a', 500);
  await clock.advance(300);
  expect(started).toEqual(['a']);
  await finish('a');
  await clock.advance(5_000);
  expect(started).toEqual(['a']);
});

test('a forgotten key does not come back', async () => {
  const { queue, clock, started, fail } = setup({ concurrency: 1 });
  queue.add('a');
  queue.add('b');
  await settle();
  queue.forget('b');
  await fail('a');
  queue.forget('a');
  await clock.advance(600_000);
  expect(started).toEqual(['a']);
  expect(clock.timers).toBe(0);
});

test('it stops: nothing new starts, running work is waited for, told by its signal after the grace time', async () => {
  const { queue, clock, running, started, finish } = setup({ concurrency: 1 });
  for (const key of ['a', 'b']) queue.add(key);
  queue.addAfter('c', 10);
  await settle();
  let stopped = false;
  const stopping = queue.stop({ graceMs: 1_000 }).then(() => (stopped = true));
  await clock.advance(999);
  expect(running[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(running[0]?.signal.aborted).toBe(true);
  expect(stopped).toBe(false);
  await finish('a', { afterMs: 1 });
  await stopping;
  queue.add('d');
  await clock.advance(60_000);
  expect(started).toEqual(['a']);
  expect(clock.timers).toBe(0);
});

test('hooks tell depth, waiting and working time; one that throws disturbs nobody', async () => {
  const depths: number[] = [];
  const times: unknown[] = [];
  const { queue, clock, finish } = setup({
    concurrency: 1,
    hooks: {
      onDepth: (depth) => depths.push(depth),
      onStart: (key, waited) => times.push([key, waited]),
      onDone: (key, took) => {
        times.push([key, took]);
        throw new Error('metrics are broken');
      },
    },
  });
  queue.add('a');
  queue.add('b');
  await clock.advance(30);
  await finish('a');
  await clock.advance(5);
  await finish('b');
  expect(times).toEqual([
    ['a', 0],
    ['a', 30],
    ['b', 30],
    ['b', 5],
  ]);
  expect(Math.max(...depths)).toBe(1);
  expect(depths.at(-1)).toBe(0);
});

test('nothing is worked on before start', async () => {
  const started: string[] = [];
  const queue = createWorkQueue({
    clock: new FakeClock(),
    process: (key) => {
      started.push(key);
      return Promise.resolve(undefined);
    },
  });
  queue.add('a');
  await settle();
  expect(started).toEqual([]);
  queue.start();
  await settle();
  expect(started).toEqual(['a']);
});
