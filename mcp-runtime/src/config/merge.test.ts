import { describe, expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { mergeSources } from './merge.ts';

/** Sources a, b, … with this text. */
const merged = (...texts: string[]) =>
  mergeSources(texts.map((text, index) => ({ name: 'abc'.charAt(index), text, document: parse(text) })));

const from = (result: ReturnType<typeof merged>, ...path: (string | number)[]) => result.sourceOf(path).name;

describe('a later source', () => {
  test.each([
    ['replaces a value', 'port = "1"\nread_only = true', 'port = "2"', { port: '2', read_only: true }],
    ['merges tables key by key', '[a.b]\nc = 1\nd = 1', '[a.b]\nd = 2\n[a.e]', { a: { b: { c: 1, d: 2 }, e: {} } }],
    ['merges a table with an inline one', 'a = {b = 1}', '[a]\nc = 2', { a: { b: 1, c: 2 } }],
    ['replaces a list as a whole', 'a = [1, 2, 3]', 'a = [4]', { a: [4] }],
    ['replaces an array of tables as a whole', '[[a]]\nb = 1\nc = 1\n[[a]]', '[[a]]\nb = 2', { a: [{ b: 2 }] }],
    ['puts a table in the place of a value', 'a = 1', '[a]\nb = 2', { a: { b: 2 } }],
    ['puts a value in the place of a table', '[a]\nb = 1', 'a = 2', { a: 2 }],
    ['replaces a date', 'a = 2026-01-01', 'a = 2', { a: 2 }],
    ['can empty a list', 'a = [1]', 'a = []', { a: [] }],
  ])('%s', (_, first, second, expected) => {
    const { document } = merged(first, second);
    expect(JSON.parse(JSON.stringify(document))).toEqual(expected);
  });

  test('reaches no prototype', () => {
    const { document } = merged('[__proto__]\na = 1', '[__proto__]\nb = 2\n[constructor.prototype]\nc = 3');
    expect(Object.keys(document)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['c']).toBeUndefined();
  });

  test('leaves the documents that it came from alone', () => {
    const first = { name: 'a', text: '', document: { a: { b: 1 } } };
    mergeSources([first, { name: 'b', text: '', document: { a: { b: 2 } } }]);
    expect(first.document).toEqual({ a: { b: 1 } });
  });
});

describe('a value comes from the last source that set it', () => {
  const result = merged('x = 1\ny = 1\n[t]\nu = 1\n[[l]]\nm = 1\nn = 1', 'y = 2\n[t]\nv = 2\n[[l]]\nm = 2', 'z = 3');

  test.each([
    ['set once', ['x'], 'a'],
    ['set twice', ['y'], 'b'],
    ['set last', ['z'], 'c'],
    ['in a table', ['t', 'u'], 'a'],
    ['in a table that others added to', ['t', 'v'], 'b'],
    ['a table', ['t'], 'b'],
    ['in a list that was replaced', ['l', 0, 'm'], 'b'],
    ['missing in a list that was replaced, though it was in the earlier one', ['l', 0, 'n'], 'b'],
    ['missing: the first source', ['w'], 'a'],
  ] as const)('%s', (_, path, expected) => {
    expect(from(result, ...path)).toBe(expected);
  });
});
