import { expect, test } from '@jest/globals';
import { readOptions } from './options.ts';

test('everything is measured unless told', () => {
  expect(readOptions([])).toMatchObject({ only: ['throughput', 'first', 'start', 'memory'], quick: false, minutes: 2 });
  expect(readOptions(['--only', 'memory', '--minutes', '10', '--json', 'x.json'])).toMatchObject({
    only: ['memory'],
    minutes: 10,
    json: 'x.json',
  });
});

test('help is no options', () => {
  expect(readOptions(['--help'])).toBeUndefined();
});

test.each([
  [['--only', 'speed'], '--only speed: there are throughput, first, start, memory'],
  [['--minutes', '0'], '--minutes 0: must be a number above 0'],
  [['--rounds', 'many'], '--rounds many: must be a number above 0'],
  [['--fast'], "Unknown option '--fast'"],
])('%j is refused', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
