import { expect, test } from '@jest/globals';
import { ApiError } from './errors.ts';
import { FailurePolicy } from './failures.ts';
import { defaultTimings } from './timings.ts';

const unreachable = new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' });
const forbidden = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });

test('after an outage it is asked again soon, also for what was refused for long; then as slowly as before', () => {
  const failures = new FailurePolicy(defaultTimings, () => 0);
  const delays = (error: ApiError, times: number) => Array.from({ length: times }, () => failures.delay(error));
  expect(delays(forbidden, 12).at(-1)).toBe(30_000);
  expect(failures.isAway()).toBe(false);
  delays(unreachable, 3);
  expect(failures.isAway()).toBe(true);
  expect(delays(forbidden, 5)).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
  expect(failures.isAway()).toBe(true);
  expect(delays(forbidden, 1)).toEqual([30_000]);
  expect(failures.isAway()).toBe(false);
});

test('refused and unreachable by turns: the pauses grow all the same', () => {
  const failures = new FailurePolicy(defaultTimings, () => 0);
  for (let i = 0; i < 10; i += 1) failures.delay(i % 2 ? forbidden : unreachable);
  expect(failures.delay(forbidden)).toBe(2_000);
});

test('Retry-After holds up what all wait for by a minute at most', () => {
  const failures = new FailurePolicy(defaultTimings, () => 0);
  const refused = (retryAfterMs: number) =>
    new ApiError({ status: 503, reason: 'ServiceUnavailable', message: 'maintenance', retryAfterMs });
  expect(failures.delay(refused(59_000))).toBe(59_000);
  expect(failures.delay(refused(3_600_000))).toBe(60_000);
});
