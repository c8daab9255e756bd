import { expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

test('so many at a time, the others in the order in which they came', async () => {
  const turns = new Turns(2);
  const entered: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const end = await turns.take();
    entered.push(name);
    return end;
  };
  const [first, second, third, fourth] = ['a', 'b', 'c', 'd'].map(enter);
  const endFirst = await first;
  await second;
  expect(entered).toEqual(['a', 'b']);
  endFirst?.();
  // Twice is once.
  endFirst?.();
  const endThird = await third;
  expect(entered).toEqual(['a', 'b', 'c']);
  endThird?.();
  await fourth;
  expect(entered).toEqual(['a', 'b', 'c', 'd']);
});
