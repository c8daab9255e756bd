import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { execute } from '../lib/execute.ts';
import type { Expected } from './expected.ts';
import type { Check } from './verdict.ts';

/** The revisions whose requirements the suite knows. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

const packageFile = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json');

interface Requirements {
  readonly server: string[];
  readonly not_scored: readonly { readonly scenario: string; readonly leg: string }[];
}

/** Names of the server scenarios of a revision: those that it requires, and those that the suite runs besides. */
export function scenariosOf(revision: Revision): { readonly required: string[]; readonly others: string[] } {
  const file = join(packageFile, '..', 'requirements', `${revision}.yaml`);
  const { server, not_scored: rest } = parse(readFileSync(file, 'utf8')) as Requirements;
  return { required: server, others: rest.filter(({ leg }) => leg === 'server').map(({ scenario }) => scenario) };
}

export interface SuiteRun {
  /** What the suite makes of it: 0 when what a revision requires passes but for what is expected. */
  readonly code: number;
  readonly output: string;
  /** By scenario. */
  readonly results: ReadonlyMap<string, readonly Check[]>;
}

/**
 * Runs `conformance server --requirements REVISION`.
 *
 * @param dir an empty folder for what the suite writes.
 */
export async function runSuite(url: string, revision: Revision, expected: Expected, dir: string): Promise<SuiteRun> {
  const baseline = join(dir, 'expected-failures.yaml');
  const entries = [...expected].flatMap(([scenario, checks]) => [...checks.keys()].map((id) => `${scenario}:${id}`));
  writeFileSync(baseline, stringify({ server: entries }));
  const program = join(packageFile, '..', 'dist', 'index.js');
  const results = join(dir, 'results');
  const args = [program, 'server', '--url', url, '--requirements', revision];
  const files = ['--expected-failures', baseline, '--output-dir', results];
  const { code, stdout, stderr } = await execute(process.execPath, [...args, ...files], { timeoutMs: 110_000 });
  return { code, output: stdout + stderr, results: readResults(results) };
}

/** Reads `server-SCENARIO-TIME/checks.json`. */
function readResults(dir: string): Map<string, Check[]> {
  const found = new Map<string, Check[]>();
  for (const folder of readdirSync(dir)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(folder)?.[1];
    if (scenario === undefined) continue;
    found.set(scenario, JSON.parse(readFileSync(join(dir, folder, 'checks.json'), 'utf8')) as Check[]);
  }
  return found;
}
