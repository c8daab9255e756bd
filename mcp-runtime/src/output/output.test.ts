import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { recorded } from '../testing/fake-kcp.ts';
import { fitting } from './fitting.ts';
import { MAX_TEXT_BYTES, howManyFit, limitBytes } from './limit.ts';
import { comparePaths } from '../kcp/workspace.ts';
import { cutNote, pageArguments } from './paginate.ts';
import { age, fromObjects, fromServerTable, isServerTable, renderTable } from './table.ts';
import { oneLine, shorten, stripInvisible, stripInvisibleDeep, toolError, toolResult } from './text.ts';
import { drawBranches } from './tree.ts';
import { toYaml } from './yaml.ts';

describe('stripInvisible', () => {
  test.each([
    ['bell and escape', '\u0007\u001b[31m', '[31m'],
    ['carriage return', 'a\r\nb', 'a\nb'],
    ['bidi override', 'user\u202eresu\u202c', 'userresu'],
    ['bidi isolates and marks', '\u2066a\u2069\u200e\u200f\u061c', 'a'],
    ['zero-width', 'a\u200bb\u200dc\ufeffd\u2060', 'abcd'],
    ['tag characters', `a${String.fromCodePoint(0xe0041)}b`, 'ab'],
    ['variation selectors', `a\ufe0fb${String.fromCodePoint(0xe0101)}c`, 'abc'],
    ['C1 controls', 'a\u0085\u009bb', 'ab'],
    ['line separators', 'a\u2028b\u2029', 'ab'],
    ['lone surrogates', 'a\ud800b', 'ab'],
  ])('%s', (_, text, clean) => {
    expect(stripInvisible(text)).toBe(clean);
  });

  test.each(['plain\ttext\nnext', 'Zürich 東京 Ελλάδα', '😀', 'שלום'])('leaves %j', (text) => {
    expect(stripInvisible(text)).toBe(text);
  });

  test('keys and values at any depth, nothing lost', () => {
    expect(stripInvisibleDeep({ 'a\u202e': ['b\u0007', { c: 1, d: null, e: true }] })).toEqual({
      a: ['b', { c: 1, d: null, e: true }],
    });
  });

  test('one line stays one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        expect(oneLine(text)).not.toMatch(/[\r\n\t\p{Cf}\p{Cc}]/u);
        expect(shorten(text, max).length).toBeLessThanOrEqual(max);
      }),
    );
  });
});

describe('toolResult', () => {
  test('every answer is cleaned and bounded, errors too', () => {
    const long = `${'x'.repeat(99)}\n`.repeat(1000);
    for (const result of [toolResult(long), toolError(long)]) {
      const [content] = result.content;
      const text = content?.type === 'text' ? content.text : '';
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
      expect(text).toMatch(/x\n\[cut: only the first 64 KiB are shown\]$/);
    }
    expect(toolError('a\u202e')).toEqual({ isError: true, content: [{ type: 'text', text: 'a' }] });
    expect(toolResult('a', { b: 'c\u202e' }).structuredContent).toEqual({ b: 'c' });
  });
});

describe('limits', () => {
  test('a cut text is valid, within its bound and says so', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 100, maxLength: 400 }), (text) => {
        const cut = limitBytes(text, 200);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(200);
        expect(cut.isWellFormed()).toBe(true);
        if (Buffer.byteLength(text) > 200) expect(cut).toContain('[cut: ');
        else expect(cut).toBe(text);
      }),
    );
  });

  test('as many lines as fit', () => {
    expect(howManyFit(['abc', 'def', 'ghi'], 7)).toBe(2);
    expect(howManyFit(['abc', 'def', 'ghi'], 11)).toBe(3);
    expect(howManyFit(['abc'], 2)).toBe(0);
    expect(howManyFit([], 0)).toBe(0);
  });

  test('what is left is said with the token to get it', () => {
    expect(cutNote(5, { next: 'abc', remaining: 7 })).toBe(
      '[cut after 5: 7 more follow; call again with the same arguments and continue: "abc"]',
    );
    expect(cutNote(5, { next: 'abc', remaining: undefined })).toContain('there are more');
    expect(cutNote(5, { next: undefined, remaining: undefined })).toBeUndefined();
  });

  test('a limit is between 1 and 500, a continue token looks like one', () => {
    for (const limit of [0, 501, 1.5, '5']) expect(pageArguments.limit.safeParse(limit).success).toBe(false);
    expect(pageArguments.limit.safeParse(500).success).toBe(true);
    expect(pageArguments.continue.safeParse('eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ==').success).toBe(true);
    expect(pageArguments.continue.safeParse('a&limit=0').success).toBe(false);
  });
});

describe('tables', () => {
  test("kcp's table, the columns that kubectl shows", () => {
    const table = recorded('workspaces-list-table');
    expect(isServerTable(table)).toBe(true);
    expect(renderTable(fromServerTable(table, false))).toEqual([
      'NAME     TYPE        REGION   PHASE   URL                                           AGE',
      'acme     universal   -        Ready   https://127.0.0.1:6443/clusters/root:acme     18m',
      'globex   universal   -        Ready   https://127.0.0.1:6443/clusters/root:globex   18m',
      'load     universal   -        Ready   https://127.0.0.1:6443/clusters/root:load     15m',
    ]);
  });

  test('wide columns are left out, odd cells are shown as text on one line', () => {
    const table = {
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, { name: 'Wide', priority: 1 }, { name: 'Any', priority: 0 }],
      rows: [
        { cells: ['a', 'hidden', { x: [1] }], object: { metadata: { namespace: 'ns' } } },
        { cells: ['b\nc\u202e', 'hidden'] },
      ],
    };
    expect(renderTable(fromServerTable(table, true))).toEqual([
      'NAMESPACE   NAME   ANY',
      'ns          a      {"x":[1]}',
      '-           b c    -',
    ]);
  });

  test('a cell has its bound', () => {
    const table = { kind: 'Table', columnDefinitions: [{ name: 'N' }], rows: [{ cells: ['x'.repeat(500)] }] };
    expect(renderTable(fromServerTable(table, false))[1]).toBe(`${'x'.repeat(99)}…`);
  });

  test('objects of an API that makes no tables', () => {
    const now = Date.parse('2026-11-22T20:00:00Z');
    const objects = [{ metadata: { name: 'a', namespace: 'ns', creationTimestamp: '2026-11-22T18:00:00Z' } }, {}];
    expect(renderTable(fromObjects(objects, true, now))).toEqual([
      'NAMESPACE   NAME   AGE',
      'ns          a      2h',
      '-           -      -',
    ]);
  });

  test.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [7199, '119m'],
    [7200, '2h'],
    [172_799, '47h'],
    [172_800, '2d'],
    [-60, '0s'],
  ])('%d seconds are %s', (seconds, shown) => {
    expect(age(new Date(1e12 - seconds * 1000).toISOString(), 1e12)).toBe(shown);
  });
});

describe('drawBranches', () => {
  const nodes = (...paths: string[]) => paths.map((path) => ({ path }));

  test('branches as they hang, and what is missing above leaves its name with what hangs there', () => {
    const tree = nodes('1abc', '1abc:x', 'root', 'root:a', 'root:a:x:y', 'root:a:z', 'root:a-b', 'root:c:d', 'top:e');
    expect(drawBranches(tree, 0, 99)).toEqual([
      '1abc',
      '└─ x',
      'root',
      '├─ a',
      '│  ├─ x:y',
      '│  └─ z',
      '├─ a-b',
      '└─ c:d',
      'top:e',
    ]);
    expect(drawBranches([], 0, 99)).toEqual([]);
  });

  test('a part is drawn as it is in the whole', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'a-b', 'b0'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.uniqueArray(path.map((names) => names.join(':'))), fc.nat(30), fc.nat(30), (paths, start, end) => {
        const tree = nodes(...paths.sort(comparePaths));
        expect(drawBranches(tree, start, end)).toEqual(drawBranches(tree, 0, tree.length).slice(start, end));
      }),
    );
  });

  test('names along the branches spell the path', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'a-b', 'b0'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.uniqueArray(
          path.map((names) => names.join(':')),
          { minLength: 1 },
        ),
        (paths) => {
          const above: string[] = [];
          const tree = nodes(...paths.sort(comparePaths));
          const spelled = drawBranches(tree, 0, tree.length).map((line) => {
            const [, stem = '', name = ''] = /^([│├└─ ]*)(.*)$/.exec(line) ?? [];
            above.splice(stem.length / 3, Infinity, name);
            return above.join(':');
          });
          expect(spelled).toEqual(paths);
        },
      ),
    );
  });
});

describe('toYaml', () => {
  test('no anchors, no folded lines, order kept, and the same when read again', () => {
    const shared = { a: 'b' };
    const value = {
      z: shared,
      a: shared,
      long: 'word '.repeat(60).trim(),
      lines: 'one\ntwo\n',
      number: '007',
      time: '2026-11-22T22:24:35Z',
      yes: 'yes',
    };
    const text = toYaml(value);
    expect(text).not.toContain('&');
    expect(text.split('\n')[0]).toBe('z:');
    expect(text).toContain('lines: |\n  one\n  two');
    expect(text).toContain('"yes": "yes"');
    expect(parse(text)).toEqual(value);
    expect(parse(text, { version: '1.1' })).toEqual(value);
  });

  test('no more is written than an answer can show, and the cut is said', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key-${index}`, '']));
    for (const value of [{ many }, { text: 'x\n'.repeat(1_000_000) }, [Object.keys(many)]]) {
      const text = toYaml(value);
      expect(text.length).toBeGreaterThan(MAX_TEXT_BYTES);
      expect(text.length).toBeLessThan(4 * MAX_TEXT_BYTES);
      expect(toolResult(text).content).toEqual([{ type: 'text', text: expect.stringMatching(/\[cut: .*\]$/) }]);
    }
  });
});

describe('fitting', () => {
  test('a value that fits is whole, of another there is enough', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(200), (value, bytes) => {
        const shown = JSON.stringify(fitting(value, bytes));
        const whole = JSON.stringify(stripInvisibleDeep(value));
        if (Buffer.byteLength(whole) <= bytes) expect(shown).toBe(whole);
        else expect(shown === whole || Buffer.byteLength(shown) >= bytes).toBe(true);
      }),
    );
  });

  test('invisible characters go, also from keys', () => {
    expect(fitting({ 'a\u202e': ['b\u200b'] }, 100)).toEqual({ a: ['b'] });
  });
});
