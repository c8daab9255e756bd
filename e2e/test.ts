/**
 * `make test`: every check in order, one closing line `N passed, N failed` that counts them all.
 *
 * Phases: `verify` (generated files, types, lint, formatting), `unit`, `conformance` (others' suite and clients against
 * the runtime), `api` (a real kube-apiserver, no root), `e2e` (the demo's own set-up on a real node, then e2e/scenarios).
 * Name phases as arguments to run only those; `keycloak` (a real Keycloak, then e2e/scenarios-keycloak) and `long`
 * (faults that last for minutes, on a real kube-apiserver) run only when they are named.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasGo, nodeRequirements } from './cluster/requirements.ts';
import { ensureBinaries } from './cluster/toolchain.ts';
import { down } from './demo/down.ts';
import { leftovers } from './demo/leftovers.ts';
import { up } from './demo/up.ts';
import * as keycloakEnvironment from './keycloak/environment.ts';
import { keycloakRequirements } from './keycloak/requirements.ts';
import { stopAll } from './lib/process.ts';
import { createProgress } from './lib/progress.ts';

const PHASES = ['verify', 'unit', 'conformance', 'api', 'e2e', 'keycloak', 'long'] as const;
type Phase = (typeof PHASES)[number];
/** What needs more than the rest: Java, Maven and 180 MB that aren't fetched unasked; a quarter of an hour. */
const ONLY_NAMED: readonly Phase[] = ['keycloak', 'long'];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Beside a running `make demo`, which is 0. */
const INSTANCE = 1;

const root = join(import.meta.dirname, '..');
const scratch = join(root, '.testing');

/** Runs a command with our standard output and error; resolves to its exit code. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
}

async function verify(): Promise<Counts> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const script of ['verify:generated', 'verify:types', 'verify:lint', 'verify:format']) {
    const ok = (await run('npm', ['run', '--silent', script])) === 0;
    console.log(`${ok ? 'ok' : 'FAILED'}: ${script}`);
    counts[ok ? 'passed' : 'failed']++;
  }
  return counts;
}

async function jest(project: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Counts> {
  // Not the machine's own folder for temporary files: what a killed test leaves goes with the next run.
  const temporary = join(scratch, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const report = join(scratch, `jest-${project}.json`);
  rmSync(report, { force: true });
  const code = await run(
    process.execPath,
    ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js']
      .concat(['--selectProjects', project, '--json', `--outputFile=${report}`])
      .concat(args),
    { ...env, TMPDIR: temporary },
  );
  const result = readReport(report);
  if (result === undefined) return { passed: 0, failed: 1, skipped: 0 };
  // A suite that can't be loaded has no failed test of its own, yet it failed.
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
}

function readReport(file: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch {
    return undefined;
  }
}

/** What the api tests start. */
const API_PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kubectl',
  'generic-controlplane',
  'cert-manager-controller',
  'helm',
  'gitops-verdict',
] as const;

/** @param project `api` or `long` */
async function api(project: string, testTimeoutMs: number): Promise<Counts> {
  if (!hasGo()) {
    console.log('SKIPPED: the tests on a real API server need Go, which builds it: install Go 1.21 or later');
    return { passed: 0, failed: 0, skipped: 1 };
  }
  try {
    // Here, not in some test's set-up: the first build takes minutes, and a person wants to see that it goes on.
    await ensureBinaries(API_PROGRAMS, createProgress());
  } catch (error) {
    console.error(`FAILED: the API server could not be built: ${String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // Each suite starts an API server of its own: two at a time fit a small machine.
  try {
    return await jest(project, ['--maxWorkers=2', `--testTimeout=${testTimeoutMs}`]);
  } finally {
    // A suite whose set-up ran out of time can't stop what comes up after it.
    await stopAll(scratch);
  }
}

async function e2e(): Promise<Counts> {
  const missing = nodeRequirements();
  if (missing.length > 0) {
    console.log(`SKIPPED: the end-to-end scenarios need a node of their own:\n- ${missing.join('\n- ')}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const dir = join(scratch, 'e2e');
  const stop = (): void => {
    void down(dir).finally(() => process.exit(130));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  let counts: Counts;
  try {
    await up({ dir, instance: INSTANCE });
    counts = await jest('e2e', ['--runInBand', '--testTimeout=120000'], { DEMO_STATE: join(dir, 'demo.json') });
  } catch (error) {
    console.error(`FAILED: the end-to-end environment did not come up: ${String(error)}`);
    counts = { passed: 0, failed: 1, skipped: 0 };
  }
  await down(dir);
  process.removeListener('SIGINT', stop);
  process.removeListener('SIGTERM', stop);
  const left = await leftovers(dir, INSTANCE);
  console.log(left.length === 0 ? 'ok: nothing is left of it' : `FAILED: left behind: ${left.join(', ')}`);
  counts[left.length === 0 ? 'passed' : 'failed']++;
  return counts;
}

async function keycloak(): Promise<Counts> {
  const missing = [...(hasGo() ? [] : ["Go is missing (1.21 or later): kcp's part is built from source"])];
  missing.push(...keycloakRequirements());
  if (missing.length > 0) {
    // It was asked for by name: not to run it is a failure.
    console.error(`FAILED: the scenarios on Keycloak can't run:\n- ${missing.join('\n- ')}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const dir = join(scratch, 'keycloak');
  const stop = (): void => {
    void keycloakEnvironment.down(dir).finally(() => process.exit(130));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  let counts: Counts;
  try {
    await keycloakEnvironment.up(dir);
    const env = { KEYCLOAK_STATE: keycloakEnvironment.stateFile(dir) };
    counts = await jest('keycloak', ['--runInBand', '--testTimeout=60000'], env);
  } catch (error) {
    console.error(`FAILED: Keycloak and what goes with it did not come up: ${String(error)}`);
    counts = { passed: 0, failed: 1, skipped: 0 };
  }
  await keycloakEnvironment.down(dir);
  process.removeListener('SIGINT', stop);
  process.removeListener('SIGTERM', stop);
  const left = keycloakEnvironment.left(dir);
  console.log(left.length === 0 ? 'ok: nothing is left of it' : `FAILED: left behind: ${left.join(', ')}`);
  counts[left.length === 0 ? 'passed' : 'failed']++;
  return counts;
}

const runners: Record<Phase, () => Promise<Counts>> = {
  verify,
  unit: () => jest('unit', ['--testTimeout=30000']),
  // One at a time: the suite gives a server fractions of a second.
  conformance: () => jest('conformance', ['--runInBand', '--testTimeout=30000']),
  api: () => api('api', 60_000),
  e2e,
  keycloak,
  long: () => api('long', 900_000),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PHASES.includes(name as Phase));
if (unknown.length > 0) {
  console.error(`unknown phase ${unknown.join(', ')}; there are: ${PHASES.join(', ')}`);
  process.exit(2);
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const byDefault = (phase: Phase): boolean => wanted.length === 0 && !ONLY_NAMED.includes(phase);
for (const phase of PHASES.filter((name) => byDefault(name) || wanted.includes(name))) {
  const started = Date.now();
  console.log(`==> ${phase}`);
  const counts = await runners[phase]();
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`==> ${phase}: ${counts.passed} ok, ${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s`);
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
