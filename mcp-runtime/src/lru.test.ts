import { expect, test } from '@jest/globals';
import { Lru } from './lru.ts';

test('the least recently used entry gives way', () => {
  const lru = new Lru<number>(2);
  lru.set('a', 1);
  lru.set('b', 2);
  expect(lru.get('a')).toBe(1);
  lru.set('c', 3);
  expect(['a', 'b', 'c'].map((key) => lru.get(key))).toEqual([1, undefined, 3]);
  lru.set('a', 4);
  lru.set('d', 5);
  expect(['a', 'c', 'd'].map((key) => lru.get(key))).toEqual([4, undefined, 5]);
  lru.delete('a');
  expect(lru.get('a')).toBeUndefined();
  lru.clear();
  expect(lru.get('d')).toBeUndefined();
});
