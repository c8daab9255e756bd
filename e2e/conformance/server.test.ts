// @modelcontextprotocol/conformance against the real runtime: each of its scenarios is a test here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readExpected } from './expected.ts';
import { startFixtureRuntime, type FixtureRuntime } from './runtime.ts';
import { REVISIONS, runSuite, scenariosOf, type SuiteRun } from './suite.ts';
import { judge } from './verdict.ts';

const allExpected = readExpected();
let runtime: FixtureRuntime;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'suite-'));
  runtime = await startFixtureRuntime();
});
afterAll(async () => {
  await runtime.stop();
  rmSync(dir, { recursive: true });
});

test('expected failures are of revisions that the suite knows', () => {
  expect([...allExpected.keys()]).toEqual([...REVISIONS]);
});

describe.each(REVISIONS)('the requirements of %s', (revision) => {
  const { required, others } = scenariosOf(revision);
  const scenarios = [...required, ...others];
  const expected = allExpected.get(revision) ?? new Map<string, Map<string, string>>();
  let run: SuiteRun;

  beforeAll(async () => {
    run = await runSuite(runtime.openURL, revision, expected, mkdtempSync(join(dir, `${revision}-`)));
  }, 120_000);

  test.each(scenarios)('%s', (scenario) => {
    const ids = new Set(expected.get(scenario)?.keys());
    expect(judge(run.results.get(scenario), ids)).toEqual({ unexpected: [], stale: [] });
  });

  test('expected failures are of its scenarios', () => {
    expect([...expected.keys()].filter((scenario) => !scenarios.includes(scenario))).toEqual([]);
  });

  test('the suite itself is content', () => {
    expect({ code: run.code, end: run.output.slice(-2_000) }).toMatchObject({ code: 0 });
  });

  afterAll(() => {
    const wanting = scenarios.filter((scenario) => expected.has(scenario)).length;
    console.log(`${revision}: ${scenarios.length} scenarios, ${wanting} of them with expected failures`);
  });
});

test('no token is in the log', () => {
  expect(runtime.logged()).not.toContain(runtime.token.split('.')[2]);
});
