import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { createDeadline } from './deadline.ts';
import { FakeClock } from './testing/fake-clock.ts';

test('it ends with any of its parents, or when its time is up', async () => {
  const clock = new FakeClock();
  const [one, other] = [new AbortController(), new AbortController()];
  const both = createDeadline(clock, Infinity, [one.signal, undefined, other.signal]);
  const timed = createDeadline(clock, 1_000, [one.signal]);
  other.abort();
  expect([both.signal.aborted, timed.signal.aborted]).toEqual([true, false]);
  await clock.advance(1_000);
  expect([timed.expired(), timed.signal.aborted, both.expired()]).toEqual([true, true, false]);
  expect(createDeadline(clock, 1_000, [other.signal]).signal.aborted).toBe(true);
});

test('thousands hang on one long-lived signal by one listener, and those that are disposed of hang on it no more', () => {
  const clock = new FakeClock();
  const { signal, abort } = fresh();
  const deadlines = Array.from({ length: 3_000 }, () => createDeadline(clock, 1_000, [signal]));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const { dispose } of deadlines.slice(1)) dispose();
  expect(clock.timers).toBe(1);
  abort();
  expect(deadlines.map((deadline) => deadline.signal.aborted).filter(Boolean)).toHaveLength(1);
});

test('a place that is used again belongs to its next user alone', () => {
  const clock = new FakeClock();
  const { signal, abort } = fresh();
  const gone = createDeadline(clock, 1_000, [signal]);
  gone.dispose();
  const next = createDeadline(clock, 1_000, [signal]);
  gone.dispose();
  const last = createDeadline(clock, 1_000, [signal]);
  abort();
  expect([gone, next, last].map((deadline) => deadline.signal.aborted)).toEqual([false, true, true]);
});

function fresh(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
  };
}
