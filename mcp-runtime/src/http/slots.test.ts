import { expect, test } from '@jest/globals';
import { createSlots } from './slots.ts';

test('one caller takes their share and no more, all together the total; places come back', () => {
  const slots = createSlots(5, 3);
  const give = slots.take('alice', 3);
  expect(give).toBeDefined();
  expect(slots.take('alice', 1)).toBeUndefined();
  expect(slots.take('bob', 3)).toBeUndefined();
  expect(slots.take('bob', 2)).toBeDefined();
  expect(slots.take('carol', 1)).toBeUndefined();
  give?.();
  expect(slots.take('alice', 3)).toBeDefined();
  expect(slots.take('bob', 1)).toBeUndefined();
});
