// Callers who sign in and act on kcp as one shared identity (`cluster_auth_mode = "kubeconfig"`), over the whole runtime.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startFakeKcp, tokenOf, type FakeKcp } from './testing/fake-kcp.ts';
import { startTestIssuer, type TestIssuer } from './testing/issuer.ts';
import { startTestRuntime, type TestRuntime } from './testing/runtime.ts';

let provider: TestIssuer;
let kcp: FakeKcp;
let runtime: TestRuntime;
const authorizations: (string | undefined)[] = [];

beforeAll(async () => {
  [provider, kcp] = await Promise.all([startTestIssuer(), startFakeKcp()]);
  runtime = await startTestRuntime(
    provider,
    {
      ...kcp,
      kubeconfig: kcp.kubeconfig
        .replaceAll('"nobody"', '"shared"')
        .replace('"user":{}', `"user":{"token":"${tokenOf('alice')}"}`),
    },
    'cluster_auth_mode = "kubeconfig"\nlist_output = "yaml"',
  );
});
beforeEach(() => {
  authorizations.length = 0;
  kcp.handlers.push(({ headers }) => {
    authorizations.push(headers.authorization);
    return undefined;
  });
});
afterEach(() => {
  kcp.reset();
});
afterAll(async () => {
  await runtime.stop();
  await Promise.all([provider.close(), kcp.stop()]);
});

interface Result {
  isError?: boolean;
  content: { text: string }[];
  structuredContent?: Record<string, unknown>;
}

/** A tool call of somebody who signed in. */
async function call(name: string, args: object = {}, user = 'carol'): Promise<Result> {
  const token = await provider.sign({ sub: `${user}-id`, email: `${user}@example.com` });
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
  const response = await runtime.post({ authorization: `Bearer ${token}` }, message);
  return ((await response.json()) as { result: Result }).result;
}

const audited = () => runtime.logged.lines.filter(({ log }) => log === 'audit');

test('it says so at its start', () => {
  expect(runtime.logged.lines.find(({ level }) => level === 'warn')).toMatchObject({
    message: 'everybody who signs in acts on kcp as one shared identity (cluster_auth_mode = "kubeconfig")',
    identity: 'shared',
  });
});

test("kcp sees the kubeconfig's user, whoever calls; the audit log names both", async () => {
  await call('namespaces_list', { workspace: 'root:acme' });
  await call('namespaces_list', { workspace: 'root:acme' }, 'dave');
  expect(new Set(authorizations)).toEqual(new Set([`Bearer ${tokenOf('alice')}`]));
  expect(audited().slice(-2)).toMatchObject([
    { user: 'carol@example.com', subject: 'carol-id', identity: 'shared', tool: 'namespaces_list' },
    { user: 'dave@example.com', subject: 'dave-id', identity: 'shared', tool: 'namespaces_list' },
  ]);
});

test('callers still have to sign in', async () => {
  expect((await runtime.post({})).status).toBe(401);
  expect((await runtime.post({ authorization: `Bearer ${tokenOf('alice')}` })).status).toBe(401);
  expect(authorizations).toEqual([]);
});

test('one view of the workspaces for everybody, which names nobody who called', async () => {
  const first = await call('kcp_workspaces_list', {}, 'erin');
  const asked = authorizations.length;
  expect(asked).toBeGreaterThan(0);
  const second = await call('kcp_workspaces_list', {}, 'frank');
  expect(authorizations).toHaveLength(asked);
  expect(second).toEqual(first);
  expect(JSON.stringify(first)).not.toMatch(/erin|frank/);
  expect(first.content[0]?.text).toContain('root:acme:team-a');
});

test('kcp_whoami tells whom kcp sees, and who called', async () => {
  const { structuredContent } = await call('kcp_whoami', {}, 'grace');
  expect(structuredContent).toMatchObject({
    user: 'alice@example.com',
    caller: 'grace@example.com',
    note: expect.stringContaining('kcp sees this user for everybody who calls this server') as unknown,
    token: { subject: 'grace-id', issuer: provider.url },
  });
});

test('a refused identity is for those who run the server: signing in again is not asked for', async () => {
  kcp.handlers.push(() => ({ status: 401, body: { kind: 'Status', status: 'Failure', code: 401 } }));
  const { isError, content } = await call('namespaces_list', { workspace: 'root:acme' });
  expect(isError).toBe(true);
  expect(content[0]?.text).toMatch(
    /rejects shared \(401\), the identity that all users of this server share.*renew the cred/,
  );
});

test('clients are told whose rights these are', async () => {
  const authorization = `Bearer ${await provider.sign()}`;
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const response = await runtime.post({ authorization }, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
  expect(await response.text()).toContain('with the rights of one identity that all its users share');
});
