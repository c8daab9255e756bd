import { expect, test } from '@jest/globals';
import { Recent } from './recent.ts';

test('knows what happened until it is too old, and no more than it may', () => {
  const time = { now: 0 };
  const recent = new Recent({ maxAgeMs: 10, maxEntries: 2, clock: () => time.now });
  recent.add('a');
  time.now = 9;
  expect(recent.has('a')).toBe(true);
  recent.add('b');
  recent.add('a');
  time.now = 18;
  expect([recent.has('a'), recent.has('b'), recent.has('c')]).toEqual([true, true, false]);
  recent.add('c');
  expect([recent.has('a'), recent.has('b'), recent.has('c')]).toEqual([true, false, true]);
  time.now = 28;
  expect([recent.has('a'), recent.has('c')]).toEqual([false, false]);
});
