import { expect, test } from '@jest/globals';
import { createRateLimiter } from './rate-limit.ts';

test('a burst, then so many a second, each caller alone', () => {
  let now = 0;
  const limiter = createRateLimiter(2, 3, () => now);
  expect([1, 2, 3].map(() => limiter.take('alice'))).toEqual([0, 0, 0]);
  expect(limiter.take('alice')).toBe(1);
  expect(limiter.take('bob')).toBe(0);
  now += 500;
  expect(limiter.take('alice')).toBe(0);
  expect(limiter.take('alice')).toBe(1);
  now += 60_000;
  expect([1, 2, 3, 4].map(() => limiter.take('alice'))).toEqual([0, 0, 0, 1]);
});

test('a batch counts for what it holds', () => {
  const limiter = createRateLimiter(1, 10, () => 0);
  expect(limiter.take('alice', 9)).toBe(0);
  expect(limiter.take('alice', 5)).toBe(4);
  expect(limiter.take('alice', 1)).toBe(0);
});

test('no burst given: one second’s worth, at least one', () => {
  const slow = createRateLimiter(0.1, 0, () => 0);
  expect(slow.take('alice')).toBe(0);
  expect(slow.take('alice')).toBe(10);
});

test('0 is no limit', () => {
  const limiter = createRateLimiter(0, 0);
  expect(Array.from({ length: 1_000 }, () => limiter.take('alice')).every((wait) => wait === 0)).toBe(true);
});
