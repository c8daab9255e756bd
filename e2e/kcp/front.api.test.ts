import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { hostileTokens, signTestToken } from '../oidc/test-tokens.ts';
import type { LogEntry } from './request-log.ts';
import { linesOf, startKcpForTest } from './testing.ts';
import type { KcpForTest } from './testing.ts';
import { isRealKcpGiven } from './which-kcp.ts';
import type { Workspace } from './workspace.ts';

// Real kcp keeps another kind of log, and takes its time for some of this.
const standInOnly = isRealKcpGiven() ? test.skip : test;
const json = { 'content-type': 'application/json' };
const workspaces = '/apis/tenancy.kcp.io/v1alpha1/workspaces';

let running: KcpForTest;

beforeAll(async () => {
  running = await startKcpForTest();
}, 300_000);

afterAll(() => running.stop());

async function log(): Promise<LogEntry[]> {
  const text = await readFile(running.kcp.requestLog, 'utf8');
  return text.trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line) as LogEntry); // prettier-ignore
}

describe('access', () => {
  test.each([
    ['alice', { root: 200, 'root:acme': 200, 'root:acme:team-a': 200, 'root:acme:team-b': 403, 'root:globex': 403 }],
    ['bob', { root: 200, 'root:globex': 200, 'root:globex:team-x': 200, 'root:acme': 403, 'root:acme:team-a': 403 }],
  ] as const)('%s may enter her or his workspaces only, by path and by id', async (user, expected) => {
    for (const [path, status] of Object.entries(expected)) {
      expect(await running.statusOf(user, `/clusters/${path}/version`)).toBe(status);
      expect(await running.statusOf(user, `/clusters/${running.kcp.workspaces[path]?.cluster ?? ''}/version`)).toBe(
        status,
      );
    }
  });

  test('ends as soon as RBAC says so', async () => {
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    const binding = { metadata: { name: 'guest' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'workspace-enter' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob@example.com' }] }; // prettier-ignore
    const entered = (status: number) => async (): Promise<boolean> =>
      (await running.statusOf('bob', '/clusters/root:acme/version')) === status;
    await running.admin.request('root:acme', bindings, { method: 'POST', body: binding });
    await waitFor('bob to be let in', entered(200), { deadlineMs: 5000 });
    await running.admin.request('root:acme', `${bindings}/guest`, { method: 'DELETE' });
    await waitFor('bob to be kept out', entered(403), { deadlineMs: 5000 });
  });

  test('is refused to hostile tokens with 401', async () => {
    const { 'without expiry': eternal = '', ...others } = await hostileTokens(running.issuer);
    for (const token of [eternal, ...Object.values(others)]) {
      expect(await running.statusOf({ token }, '/clusters/root/version')).toBe(401);
    }
  });

  test('takes ES256 tokens as well', async () => {
    const token = await signTestToken(running.issuer, { alg: 'ES256' });
    expect(await running.statusOf({ token }, '/clusters/root/version')).toBe(200);
  });

  test('can’t be got by headers that name somebody else', async () => {
    const headers = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' };
    expect(await running.statusOf('none', '/clusters/root:acme/version', { headers })).toBe(403);
    expect(await running.statusOf('alice', '/clusters/root:acme:team-b/version', { headers })).toBe(403);
  });

  test('is refused with kcp’s words also inside a workspace', async () => {
    const response = await running.send('alice', '/clusters/root:acme:team-a/apis/coordination.k8s.io/v1/namespaces/default/leases/x');
    expect(await response.json()).toMatchObject({
      code: 403,
      message: 'leases.coordination.k8s.io "x" is forbidden: User "alice@example.com" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "default": access denied',
    });
  }); // prettier-ignore

  test('of what doesn’t exist is refused as kcp does', async () => {
    expect(await running.statusOf('alice', '/clusters/root:nope/version')).toBe(404);
    expect(await running.statusOf('alice', '/clusters/0123456789abcdef/version')).toBe(403);
    expect(await running.statusOf('alice', '/clusters/Bad/version')).toBe(400);
    expect(await running.statusOf('alice', '/version')).toBe(403);
    expect(await running.statusOf('none', '/readyz')).toBe(200);
  });
});

describe('objects', () => {
  test('can be made, watched and removed by those who may', async () => {
    const configMaps = '/clusters/root:acme:team-a/api/v1/namespaces/default/configmaps';
    const controller = new AbortController();
    const watch = await running.send('alice', `${configMaps}?watch=true&fieldSelector=metadata.name=seen`, { signal: controller.signal });
    const body = JSON.stringify({ metadata: { name: 'seen' }, data: { a: 'b' } });
    expect(await running.statusOf('alice', configMaps, { method: 'POST', headers: json, body })).toBe(201);
    const [event] = await linesOf(watch, 1);
    expect(event).toMatchObject({
      type: 'ADDED',
      object: { metadata: { annotations: { 'kcp.io/cluster': running.kcp.workspaces['root:acme:team-a']?.cluster } } },
    });
    controller.abort();
    expect(await running.statusOf('alice', `${configMaps}/seen`, { method: 'DELETE' })).toBe(200);
  }); // prettier-ignore

  test('differ from workspace to workspace', async () => {
    const names = async (user: 'alice' | 'bob', workspace: string): Promise<string[]> => {
      const response = await running.send(user, `/clusters/${workspace}/api/v1/namespaces/default/configmaps`);
      return ((await response.json()) as { items: Workspace[] }).items.map((item) => item.metadata.name);
    };
    expect(await names('alice', 'root:acme:team-a')).toEqual(['kube-root-ca.crt', 'release-notes', 'shop-settings']);
    expect(await names('bob', 'root:globex:team-x')).toEqual(['kube-root-ca.crt', 'robot-settings', 'safety-rules']);
  });

  test('go with their namespace', async () => {
    const namespaces = '/clusters/root:acme:team-a/api/v1/namespaces';
    const post = (path: string, name: string): Promise<number> =>
      running.statusOf('alice', path, { method: 'POST', headers: json, body: JSON.stringify({ metadata: { name } }) });
    expect(await post(namespaces, 'short-lived')).toBe(201);
    expect(await post(`${namespaces}/short-lived/configmaps`, 'inside')).toBe(201);
    const account = `${namespaces}/short-lived/configmaps/kube-root-ca.crt`;
    await waitFor('the namespace to be furnished', async () => (await running.statusOf('alice', account)) === 200, { deadlineMs: 10_000 }); // prettier-ignore
    expect(await running.statusOf('alice', `${namespaces}/short-lived`, { method: 'DELETE' })).toBe(200);
    const gone = async (): Promise<boolean> => (await running.statusOf('alice', `${namespaces}/short-lived`)) === 404;
    await waitFor('the namespace to be gone', gone, { deadlineMs: 60_000 });
  }, 90_000);
});

describe('workspaces', () => {
  test('come, are used, and go with all below them', async () => {
    const create = (parent: string, name: string): Promise<unknown> =>
      running.admin.request(parent, workspaces, { method: 'POST', body: { apiVersion: 'tenancy.kcp.io/v1alpha1', kind: 'Workspace', metadata: { name } } }); // prettier-ignore
    const ready = (parent: string, name: string): Promise<Workspace> =>
      waitFor(
        `${parent}:${name} to be Ready`,
        async () => {
          const found = (await running.admin.request(parent, `${workspaces}/${name}`)) as Workspace;
          return found.status?.phase === 'Ready' ? found : undefined;
        },
        { deadlineMs: 60_000 },
      );
    await create('root:globex', 'new');
    const { spec } = await ready('root:globex', 'new');
    expect(spec).toMatchObject({
      URL: `${running.kcp.url}/clusters/root:globex:new`,
      type: { name: 'universal', path: 'root' },
    });
    await create('root:globex:new', 'below');
    await ready('root:globex:new', 'below');
    const inside = await running.admin.request('root:globex:new:below', '/api/v1/namespaces/default');
    expect(inside).toMatchObject({ kind: 'Namespace' });
    await running.admin.request('root:globex', `${workspaces}/new`, { method: 'DELETE' });
    const gone = async (): Promise<boolean> =>
      (await running.statusOf('bob', '/clusters/root:globex:new/version')) === 404 &&
      (await running.statusOf('bob', '/clusters/root:globex:new:below/version')) === 404;
    await waitFor('both to be gone', gone, { deadlineMs: 60_000 });
  }, 180_000);
});

describe('the request log', () => {
  standInOnly('holds who asked for what, and no token', async () => {
    const token = await signTestToken(running.issuer);
    await running.statusOf({ token }, '/clusters/root:acme/version?pretty=true', {
      headers: { 'user-agent': 'log-test' },
    });
    await running.statusOf({ token: 'not-a-real-token' }, '/clusters/root:acme/version', {
      headers: { 'user-agent': 'log-test' },
    });
    const mine = await waitFor(
      'two log lines',
      async () => {
        const found = (await log()).filter((entry) => entry.userAgent === 'log-test');
        return found.length === 2 ? found : undefined;
      },
      { deadlineMs: 5000 },
    );
    const request = { method: 'GET', path: '/clusters/root:acme/version', workspace: 'root:acme' };
    expect(mine[0]).toMatchObject({ ...request, query: 'pretty=true', user: 'alice@example.com', status: 200 });
    expect(mine[1]).toMatchObject({ ...request, status: 401 });
    const text = await readFile(running.kcp.requestLog, 'utf8');
    expect(text).not.toContain(token.split('.')[2]);
    expect(text).not.toContain('not-a-real-token');
  });

  standInOnly('shows that a cancelled request reached kcp as such', async () => {
    const controller = new AbortController();
    const path = '/clusters/root:acme:team-a/api/v1/configmaps?watch=true';
    const watch = await running.send('alice', path, {
      signal: controller.signal,
      headers: { 'user-agent': 'cancel-test' },
    });
    expect(watch.status).toBe(200);
    controller.abort();
    const cancelled = async (): Promise<boolean> =>
      (await log()).some((entry) => entry.userAgent === 'cancel-test' && entry.aborted === true);
    await waitFor('the cancelled watch to be logged', cancelled, { deadlineMs: 5000 });
  });
});
