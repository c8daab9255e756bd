import { expect, test } from '@jest/globals';
import { readOptions, stages } from './options.ts';

test('everything is measured unless told, always in the same order', () => {
  expect(readOptions([])).toMatchObject({ only: stages, resources: 1_000, rounds: 4, minutes: 10, drifts: 300 });
  const given = ['--only', 'drift', '--only', 'created', '--minutes', '0.5', '--json', 'x.json', '--resources', '20'];
  expect(readOptions(given)).toMatchObject({ only: ['created', 'drift'], minutes: 0.5, json: 'x.json', resources: 20 });
  expect(readOptions(['--node-flag=--cpu-prof'])?.nodeFlags).toEqual(['--cpu-prof']);
});

test('help is no options', () => {
  expect(readOptions(['--help'])).toBeUndefined();
});

test.each([
  [['--only', 'speed'], '--only speed: there are created, contest'],
  [['--resources', '0'], '--resources 0: must be a number above 0'],
  [['--fast'], "Unknown option '--fast'"],
])('%j is refused', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
