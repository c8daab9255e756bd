import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { toYaml } from '../../output/yaml.ts';
import { parseManifests } from './manifest.ts';

const OK = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';

function problem(text: string): string {
  try {
    parseManifests(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'was taken';
}

describe('what is taken', () => {
  test('documents, a List, JSON and an array of objects', () => {
    const names = (text: string) => parseManifests(text).map(({ name }) => name);
    expect(names(OK)).toEqual(['a']);
    expect(names(`---\n${OK}---\n${OK.replace('name: a', 'name: b')}---\n`)).toEqual(['a', 'b']);
    const object = parse(OK) as object;
    expect(names(JSON.stringify(object))).toEqual(['a']);
    expect(names(JSON.stringify([object, object]))).toEqual(['a', 'a']);
    expect(names(stringify({ apiVersion: 'v1', kind: 'List', items: [object, object] }))).toEqual(['a', 'a']);
  });

  test('status and managedFields are left out, all else is kept', () => {
    const text = `${OK.replace('name: a', 'name: a, managedFields: [], resourceVersion: "7"')}status: { x: 1 }\ndata: { k: v }\n`;
    expect(parseManifests(text)[0]?.object).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', resourceVersion: '7' },
      data: { k: 'v' },
    });
  });

  test('numbers, texts and merges as kubectl reads them', () => {
    const text = `${OK}data:\n  mode: 0644\n  hex: 0x1f\n  ten: 10\n  date: 2026-11-24\n  half: 0.5\n  yes: "0644"\n  <<: { more: true }\n`;
    expect(parseManifests(text)[0]?.object['data']).toEqual({
      mode: 0o644,
      hex: 31,
      ten: 10,
      date: '2026-11-24',
      half: 0.5,
      yes: '0644',
      more: true,
    });
  });

  test('any JSON object comes back as it was, by JSON and by the YAML of answers', () => {
    const data = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('"__proto__"'));
    fc.assert(
      fc.property(data, (value) => {
        const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: value };
        for (const text of [JSON.stringify(object), toYaml(object)]) {
          // As JSON, which has no -0.
          expect(JSON.stringify(parseManifests(text)[0]?.object)).toBe(JSON.stringify(object));
        }
      }),
    );
  });
});

describe('what is refused, with what to do about it', () => {
  test.each([
    ['nothing', '\n---\n', 'is empty: give a whole object with apiVersion, kind and metadata.name'],
    ['a word', 'hello', 'is not an object'],
    ['no apiVersion', 'kind: ConfigMap\nmetadata: { name: a }', 'has no apiVersion, such as v1'],
    ['no kind', 'apiVersion: v1\nmetadata: { name: a }', 'has no kind'],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: a- }', 'generateName does not work here'],
    ['the second of two', `${OK}---\nkind: Secret\n`, 'resource, object 2, has no apiVersion'],
    ['a syntax error', `${OK}data: { a: [ }\n`, "isn't valid YAML in line 4"],
    ['a key twice', `${OK}data:\n  a: 1\n  b: 2\n  a: 3\n`, "isn't valid YAML in line 7: duplicated mapping key"],
    ['a redacted value', `${OK}stringData: { password: "[redacted]" }\n`, 'has "[redacted]" at stringData.password'],
    ['a redacted one of a diff', `${OK}data: { a: "[redacted] (changed)" }\n`, 'has "[redacted]" at data.a'],
    ['too many objects', `${OK}---\n`.repeat(51), 'holds more than 50 objects'],
    [
      'an alias bomb',
      // Six levels of ten: a million values out of 60.
      `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5].map((level) => `a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]\n`).join('')}`,
      'holds too many values, those that aliases stand for included',
    ],
    ['an alias for what it is in', `${OK}data: &a [*a]\n`, 'has more than 64 levels, or an alias for what it is in'],
    ['too many values', `${OK}data: [${'[],'.repeat(70_000)}]`, 'holds too many values'],
    ['too many values in JSON', `{"a":[${'[],'.repeat(70_000)}[]]}`, 'holds too many values'],
    ['too deep', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'nested too deeply'],
    ['too large', `${OK}data: { a: "${'x'.repeat(2 * 1024 * 1024)}" }`, 'is larger than 2 MiB'],
  ])('%s', (_, text, part) => {
    expect(problem(text)).toContain(part);
  });

  test('no text makes it fail in another way, or sets a prototype', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,-&*!|>"\'#%@` \n\tab1_?<'.split('')) }), (text) => {
        expect(problem(text)).toMatch(/^(resource|was taken)/);
      }),
      { numRuns: 1_000 },
    );
    parseManifests(`${OK}__proto__: { polluted: true }\n`);
    parseManifests('{"apiVersion":"v1","kind":"X","metadata":{"name":"a"},"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
