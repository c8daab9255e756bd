// The runtime as a process of its own that acts on kcp, or its stand-in, as one shared identity. What reached kcp is read in kcp's log.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { repoRoot } from '../../e2e/lib/cache.ts';
import { issueCertificate } from '../../e2e/lib/certs.ts';
import { freePorts } from '../../e2e/lib/ports.ts';
import { startProcess, waitFor, type StartedProcess } from '../../e2e/lib/process.ts';
import { startKcpForTest, type KcpForTest } from '../../e2e/kcp/testing.ts';
import type { WorkspaceTree } from '../../e2e/kcp/tree.ts';
import { demoAccounts } from '../../e2e/oidc/accounts.ts';
import { signTestToken } from '../../e2e/oidc/test-tokens.ts';

const SHARED = 'kcp-mcp-shared';
const tree: WorkspaceTree = {
  root: { grants: [{ subject: { kind: 'Group', name: 'system:authenticated' }, level: 'enter' }] },
  workspaces: [
    {
      path: 'root:shop',
      grants: [
        { subject: { kind: 'User', name: SHARED }, level: 'edit' },
        { subject: { kind: 'User', name: 'alice@example.com' }, level: 'enter' },
      ],
      configMaps: { settings: { theme: 'dark' } },
    },
    { path: 'root:alices', grants: [{ subject: { kind: 'User', name: 'alice@example.com' }, level: 'admin' }] },
  ],
};

interface Answer {
  isError?: boolean;
  content: { text: string }[];
  structuredContent?: Record<string, unknown>;
}

let running: KcpForTest;
let kubeconfigFile: string;
const runtimes: { process: StartedProcess; agent: Agent }[] = [];

beforeAll(async () => {
  running = await startKcpForTest(tree);
  kubeconfigFile = join(running.dir, 'shared.kubeconfig');
  await writeKubeconfig(SHARED);
}, 300_000);
afterAll(async () => {
  await Promise.all(runtimes.flatMap(({ process, agent }) => [process.stop(), agent.close()]));
  await running.stop();
}, 60_000);

/** A kubeconfig with a client certificate of that user. */
async function writeKubeconfig(user: string): Promise<void> {
  const { kcp, dir } = running;
  if (!kcp.clientCA) throw new Error('client certificates need a kcp that we started');
  const pair = await issueCertificate(kcp.clientCA, { dir, name: 'shared', commonName: user });
  const [ca, cert, key] = await Promise.all(
    [kcp.caFile, pair.certFile, pair.keyFile].map((file) => readFile(file, 'base64')),
  );
  const kubeconfig = {
    'current-context': 'kcp',
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: 'shared' } }],
    clusters: [{ name: 'kcp', cluster: { server: kcp.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'shared', user: { 'client-certificate-data': cert, 'client-key-data': key } }],
  };
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfig));
}

/** Starts it on loopback. @param settings lines of its file before the first table */
async function startRuntime(name: string, settings: string) {
  const { dir } = running;
  const [port = 0, healthPort = 0] = await freePorts(2);
  const file = join(dir, `${name}.toml`);
  await writeFile(
    file,
    `bind_address = "127.0.0.1"
port = "${port}"
kubeconfig = "${kubeconfigFile}"
cluster_auth_mode = "kubeconfig"
${settings.replaceAll('PORT', String(port))}
[toolset_configs.kcp]
health_port = "${healthPort}"
`,
  );
  const started = await startProcess({
    dir,
    name,
    command: process.execPath,
    args: [join(repoRoot, 'mcp-runtime/src/main.ts'), '--config', file],
    ready: async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok,
  });
  const agent = new Agent();
  runtimes.push({ process: started, agent });
  const call = async (tool: string, args: object, token?: string): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }),
    });
    return ((await response.json()) as { result: Answer }).result;
  };
  return { process: started, call, log: () => readFile(started.logFile, 'utf8') };
}

async function tokenOf(name: string): Promise<string> {
  const account = demoAccounts.find((each) => each.name === name);
  if (account === undefined) throw new Error(`no such user: ${name}`);
  return signTestToken(running.issuer, { account });
}

interface Request {
  user?: string;
  /** Set where a bearer token came, whatever it was worth. */
  audience?: unknown;
  userAgent?: string;
}

/** What the runtime sent to kcp while `work` was done: kcp writes its log after it has answered, so a request of our own ends it. */
async function sentDuring(work: () => Promise<unknown>): Promise<Request[]> {
  const { requestLog } = running.kcp;
  const all = async () => (await readFile(requestLog, 'utf8')).split('\n').slice(0, -1);
  const before = (await all()).length;
  await work();
  const mark = `/clusters/root/mark-${crypto.randomUUID()}`;
  await running.statusOf('none', mark);
  const lines = await waitFor(
    'kcp to log a request',
    async () => {
      const found = await all();
      return found.some((line) => line.includes(mark)) ? found.slice(before) : undefined;
    },
    { deadlineMs: 10_000, intervalMs: 20 },
  );
  return lines.map((line) => JSON.parse(line) as Request).filter(({ userAgent }) => userAgent === 'kcp-mcp-runtime');
}

/** A round of calls that read, search, write and fail. */
const everyWay = (call: Awaited<ReturnType<typeof startRuntime>>['call'], token?: string) => async () => {
  const workspace = 'root:shop';
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new', namespace: 'default' }, data: {} }); // prettier-ignore
  expect((await call('kcp_workspaces_list', {}, token)).content[0]?.text).toContain('root:shop');
  const found = await call('resources_get', { workspace, apiVersion: 'v1', kind: 'ConfigMap', name: 'settings', namespace: 'default' }, token); // prettier-ignore
  expect(found.content[0]?.text).toContain('theme: dark');
  expect((await call('resources_create_or_update', { workspace, resource: manifest }, token)).isError).not.toBe(true);
  // alice may, and is not who acts.
  const refused = await call('namespaces_list', { workspace: 'root:alices' }, token);
  expect(refused).toMatchObject({ isError: true });
  expect(refused.content[0]?.text).toContain(SHARED);
};

test("callers sign in, and no token of theirs reaches kcp: all is asked by the kubeconfig's user", async () => {
  const { issuer } = running;
  const { call, log } = await startRuntime(
    'shared-signed-in',
    `server_url = "http://127.0.0.1:PORT"
oauth_audience = "${issuer.clientID}"
authorization_url = "${issuer.issuerURL}"
certificate_authority = "${issuer.caFile}"`,
  );
  const token = await tokenOf('alice');
  const sent = await sentDuring(everyWay(call, token));
  expect(sent.length).toBeGreaterThan(5);
  expect(new Set(sent.map(({ user }) => user))).toEqual(new Set([SHARED]));
  expect(sent.filter(({ audience }) => audience !== undefined)).toEqual([]);
  expect((await call('kcp_whoami', {}, token)).structuredContent).toMatchObject({
    user: SHARED,
    caller: 'alice@example.com',
  });
  expect(await log()).toContain('"user":"alice@example.com"');
  expect(await log()).toContain(`"identity":"${SHARED}"`);
  expect(await log()).not.toContain(token.split('.')[1]);
});

test('nobody signs in: a token that comes all the same reaches nobody; a replaced kubeconfig counts without a restart', async () => {
  const { process: started, call, log } = await startRuntime('shared-anonymous', 'require_oauth = false');
  const sent = await sentDuring(everyWay(call, await tokenOf('alice')));
  expect(new Set(sent.map(({ user }) => user))).toEqual(new Set([SHARED]));
  expect(sent.filter(({ audience }) => audience !== undefined)).toEqual([]);
  expect((await call('kcp_whoami', {})).structuredContent).toMatchObject({ user: SHARED, caller: 'anonymous' });
  expect(await log()).toContain(
    'everybody who reaches this server, for nobody has to sign in, acts on kcp as one shared identity',
  );
  expect(await log()).not.toContain('alice@example.com"');

  await writeKubeconfig('another');
  process.kill(started.pid, 'SIGHUP');
  const whoami = async () => (await call('kcp_whoami', {})).structuredContent?.['user'] === 'another';
  await waitFor('the new certificate to be used', whoami, { deadlineMs: 10_000, intervalMs: 50 });
  expect((await call('resources_list', { workspace: 'root:shop', apiVersion: 'v1', kind: 'ConfigMap' })).isError).toBe(
    true,
  );
  await writeKubeconfig(SHARED);
});
