import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readExpected } from './expected.ts';
import { judge, type Check } from './verdict.ts';

const ok: Check = { id: 'one', status: 'SUCCESS' };
const failed: Check = { id: 'two', status: 'FAILURE', errorMessage: 'Expected 400' };

test('a scenario that passes, with what was left out or only told', () => {
  const checks: Check[] = [ok, { id: 'two', status: 'SKIPPED' }, { id: 'three', status: 'INFO' }];
  expect(judge(checks)).toEqual({ unexpected: [], stale: [] });
});

test('a failure that nobody expects, and a warning', () => {
  const checks: Check[] = [ok, failed, { id: 'three', status: 'WARNING' }];
  expect(judge(checks).unexpected).toEqual(['two (failure): Expected 400', 'three (warning)']);
});

test('an expected failure, however often it comes', () => {
  expect(judge([ok, failed, { id: 'two', status: 'SUCCESS' }], new Set(['two']))).toEqual({
    unexpected: [],
    stale: [],
  });
});

test.each<[string, Check[]]>([
  ['passes', [ok, { id: 'two', status: 'SUCCESS' }]],
  ['was left out', [ok, { id: 'two', status: 'SKIPPED' }]],
  ['never came', [ok]],
])('an expected failure that %s has to go from the list', (_, checks) => {
  expect(judge(checks, new Set(['two']))).toEqual({ unexpected: [], stale: ['two'] });
});

test('a scenario that did not run is not one that passes', () => {
  expect(judge(undefined).unexpected).toEqual(['it did not run']);
  expect(judge([]).unexpected).toEqual(['it did not run']);
});

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'expected-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

test.each([
  ['an entry without a reason', 'reasons: {}\nexpected: {r: {s: {c: state}}}', 'no such reason: state'],
  ['a reason without an entry', 'reasons: {state: why}\nexpected: {}', 'reasons without an entry: state'],
  ['another shape', 'server: [s]', 'server'],
])('a list with %s is refused', (_, content, message) => {
  const file = join(dir, 'list.yaml');
  writeFileSync(file, content);
  expect(() => readExpected(file)).toThrow(message);
});
