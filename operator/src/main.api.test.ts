// The program as it is delivered: bundled, started by hand, asked over HTTP, ended by a signal.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { repoRoot } from '../../e2e/lib/cache.ts';
import { waitFor } from '../../e2e/lib/wait.ts';
import { newCase } from './reconcile/testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  operatorToken,
  OPERATOR_NAMESPACE,
  startEnvironment,
  type Environment,
} from './reconcile/testing/environment.ts';

const run = promisify(execFile);
const MAIN = join(repoRoot, 'operator/dist/main.js');
const SOON = { deadlineMs: 15_000, intervalMs: 50 };

let env: Environment;

beforeAll(async () => {
  await run(process.execPath, [join(repoRoot, 'operator/build.mjs')]);
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);

afterAll(() => env.stop());

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

interface Running {
  child: ChildProcess;
  lines: () => Record<string, unknown>[];
  url: string;
}

async function start(kubeconfig: string, ...flags: string[]): Promise<Running> {
  const args = [MAIN, `--kubeconfig=${kubeconfig}`, '--metrics-bind-address=127.0.0.1:0', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += String(chunk)));
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const line = await waitFor('it to start', () => lines().find(({ message }) => message === 'started'), SOON);
  return { child, lines, url: `http://127.0.0.1:${String(line['port'])}` };
}

async function exitCode({ child, signal }: { child: ChildProcess; signal: NodeJS.Signals }): Promise<unknown> {
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as unknown[];
  return code;
}

/** A kubeconfig whose token comes from a program, as cloud providers have it. */
async function execKubeconfig(): Promise<string> {
  const token = await operatorToken(env.api);
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
  const credentialFile = join(env.plane.dir, 'credential.json');
  await writeFile(credentialFile, JSON.stringify(credential), { mode: 0o600 });
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'cat',
    args: [credentialFile],
    interactiveMode: 'Never',
  };
  const ca = (await readFile(env.plane.caFile)).toString('base64');
  const file = join(env.plane.dir, 'exec.kubeconfig');
  await writeFile(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: env.plane.url, 'certificate-authority-data': ca } }],
      users: [{ name: 'u', user: { exec } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
    { mode: 0o600 },
  );
  return file;
}

const holder = async (): Promise<string> => {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/kcp-mcp-operator`;
  const lease = (await env.api.request(path)) as { spec: { holderIdentity?: string } };
  return lease.spec.holderIdentity ?? '';
};

test('--help, --version and a flag that doesn’t exist', async () => {
  expect((await run(process.execPath, [MAIN, '--version'])).stdout).toMatch(/^kcp-mcp-operator \d+\.\d+\.\d+\n$/);
  expect((await run(process.execPath, [MAIN, '--help'])).stdout).toContain('--runtime-image');
  await expect(run(process.execPath, [MAIN, '--nope'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Unknown option '--nope'"),
  });
});

test('a kubeconfig that isn’t there is told in one line, exit code 1', async () => {
  await expect(run(process.execPath, [MAIN, '--kubeconfig=/nowhere/config'])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^kcp-mcp-operator: can't start: [^\n]*\/nowhere\/config[^\n]*\n$/),
  });
});

test('works, is ready also while it waits for leadership, hands over on SIGTERM, and logs no token', async () => {
  const kubeconfig = await execKubeconfig();
  const first = await start(kubeconfig, '--runtime-image=example.com/runtime:9');
  const it = await newCase(env);
  await it.becomeReady();
  const deployment = JSON.stringify((await it.child('Deployment', 'mcp')).spec);
  expect(deployment).toContain('example.com/runtime:9');
  const metrics = await (await fetch(`${first.url}/metrics`)).text();
  expect(metrics).toContain('kcp_mcp_operator_leader 1');
  expect(metrics).toContain('kcp_mcp_operator_resources{ready="True"} 1');

  const second = await start(kubeconfig, '--log-level=debug');
  await waitFor('the second to be ready', async () => (await fetch(`${second.url}/readyz`)).ok, SOON);
  expect(await (await fetch(`${second.url}/metrics`)).text()).toContain('kcp_mcp_operator_leader 0');

  expect(await exitCode({ child: first.child, signal: 'SIGTERM' })).toBe(0);
  const leading = async () => /_leader 1/.test(await (await fetch(`${second.url}/metrics`)).text());
  await waitFor('the second to lead', leading, SOON);
  await it.remove('Service', 'vespucci-mcp');
  await it.child('Service', 'mcp');
  expect(await exitCode({ child: second.child, signal: 'SIGINT' })).toBe(0);
  expect(await holder()).toBe('');

  const token = await operatorToken(env.api);
  const log = JSON.stringify([first.lines(), second.lines()]);
  expect(log).toContain('Ready changed');
  expect(log).not.toContain(token.slice(0, 20));
}, 90_000);

test('--namespace: other namespaces are left alone', async () => {
  const other = await newCase(env);
  await other.createSource();
  await other.createServer();
  const it = await newCase(env);
  const running = await start(await execKubeconfig(), `--namespace=${it.namespace}`, '--leader-elect=false');
  await it.becomeReady();
  expect((await other.server()).status?.conditions).toBeUndefined();
  expect(await other.find('Service', 'vespucci-mcp')).toBeUndefined();
  expect(await exitCode({ child: running.child, signal: 'SIGTERM' })).toBe(0);
}, 60_000);

test('an API server that isn’t there is waited for: alive, not ready, and quick to stop', async () => {
  const file = join(env.plane.dir, 'nowhere.kubeconfig');
  const text = await readFile(await execKubeconfig(), 'utf8');
  await writeFile(file, text.replaceAll(env.plane.url, 'https://127.0.0.1:1'), { mode: 0o600 });
  const running = await start(file);
  const failed = () =>
    fetch(`${running.url}/metrics`).then(async (answer) => /code="0"\} [1-9]/.test(await answer.text()));
  await waitFor('requests to fail', failed, SOON);
  expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${running.url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('waiting for kcpmcpservers')]);
  const asked = performance.now();
  expect(await exitCode({ child: running.child, signal: 'SIGTERM' })).toBe(0);
  expect(performance.now() - asked).toBeLessThan(5_000);
}, 60_000);
