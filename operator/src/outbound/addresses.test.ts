import { afterAll, expect, jest, test } from '@jest/globals';

const asked: string[] = [];
const ends: (() => void)[] = [];
jest.unstable_mockModule('node:dns/promises', () => ({
  lookup: (name: string) => {
    asked.push(name);
    const { promise, resolve } = Promise.withResolvers<{ address: string }[]>();
    ends.push(() => {
      resolve([{ address: '192.0.2.1' }]);
    });
    return promise;
  },
}));
const { resolve } = await import('./addresses.ts');

jest.useFakeTimers();
afterAll(() => {
  jest.useRealTimers();
});

const find = (name: string) => resolve(name, { aliases: [], allowLocal: false });

test('a name whose DNS is silent is given up, and takes nobody else with it', async () => {
  const silent = ['one.example', 'two.example'].map((name) => find(name).catch((error: unknown) => String(error)));
  const other = find('other.example');
  await jest.advanceTimersByTimeAsync(5_000);
  expect(await Promise.all(silent)).toEqual([
    expect.stringContaining('one.example'),
    expect.stringContaining('two.example'),
  ]);
  // The threads are still at it: the time of the next one doesn't run before there is one.
  await jest.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual(['one.example', 'two.example']);
  ends[0]?.();
  await jest.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['one.example', 'two.example', 'other.example']);
  ends[2]?.();
  expect(await other).toEqual([{ address: '192.0.2.1', family: 4 }]);
});
