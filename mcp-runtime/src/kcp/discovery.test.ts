import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { recorded, startFakeKcp, status } from '../testing/fake-kcp.ts';
import type { FakeKcp } from '../testing/fake-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import { createKcpClient } from './client.ts';
import type { KcpClient } from './client.ts';
import { UnknownKindError, createDiscovery } from './discovery.ts';
import { KcpStatusError } from './errors.ts';
import { parseApiVersion } from './paths.ts';

let fake: FakeKcp;
let kcp: KcpClient;
beforeAll(async () => {
  fake = await startFakeKcp();
  kcp = createKcpClient({ kubeconfig: fake.kubeconfig });
});
afterEach(() => {
  fake.reset();
});
afterAll(async () => {
  await kcp.close();
  await fake.stop();
});

const time = { now: 1_000_000 };

function setUp() {
  const discovery = createDiscovery(kcp, () => time.now);
  const resolve = (apiVersion: string, kind: string, user = 'alice', workspace = 'root:acme:team-a') =>
    discovery.resolve({ workspace, groupVersion: parseApiVersion(apiVersion), kind, principal: principalOf(user) });
  return { discovery, resolve };
}

const asked = () => fake.seen.map(({ user, url }) => `${user} ${url.replace('/clusters/', '')}`);

describe('createDiscovery', () => {
  test('resolves a kind from its group and version alone, and then from memory', async () => {
    const { resolve } = setUp();
    expect(await resolve('v1', 'ConfigMap')).toMatchObject({
      resource: 'configmaps',
      namespaced: true,
      kind: 'ConfigMap',
    });
    expect(await resolve('v1', 'Namespace')).toMatchObject({ resource: 'namespaces', namespaced: false });
    expect(asked()).toEqual(['alice root:acme:team-a/api/v1']);
    await resolve('tenancy.kcp.io/v1alpha1', 'Workspace');
    expect(asked().slice(1)).toEqual(['alice root:acme:team-a/apis/tenancy.kcp.io/v1alpha1']);
  });

  test.each(['configmap', 'configmaps', 'cm', 'CONFIGMAP'])('understands %s', async (name) => {
    const { resolve } = setUp();
    expect(await resolve('v1', name)).toMatchObject({ kind: 'ConfigMap' });
  });

  test('keeps a bounded number of kinds, the latest', async () => {
    const resources = Array.from({ length: 9_000 }, (_, index) => ({ name: `things${index}`, kind: `Thing${index}` }));
    fake.handlers.push(({ path }) => (path === '/apis/example.com/v1' ? { body: { resources } } : undefined));
    const { resolve } = setUp();
    const workspaces = ['root', 'root:acme', 'root:acme:team-a'];
    for (const workspace of workspaces) await resolve('example.com/v1', 'Thing1', 'alice', workspace);
    await resolve('example.com/v1', 'Thing2', 'alice', 'root:acme:team-a');
    await resolve('example.com/v1', 'Thing2', 'alice', 'root');
    expect(asked()).toEqual([...workspaces, 'root'].map((workspace) => `alice ${workspace}/apis/example.com/v1`));
  });

  test('what one caller is told is not used for another, nor for another workspace', async () => {
    const { resolve } = setUp();
    await resolve('v1', 'ConfigMap', 'alice', 'root');
    await resolve('v1', 'ConfigMap', 'bob', 'root');
    await resolve('v1', 'ConfigMap', 'alice', 'root:acme');
    expect(asked()).toEqual(['alice root/api/v1', 'bob root/api/v1', 'alice root:acme/api/v1']);
    await expect(resolve('v1', 'ConfigMap', 'bob', 'root:acme')).rejects.toThrow(KcpStatusError);
  });

  test('is asked again after 30 s, and after having been told to forget', async () => {
    const { resolve, discovery } = setUp();
    await resolve('v1', 'ConfigMap');
    time.now += 29_999;
    await resolve('v1', 'ConfigMap');
    expect(fake.seen).toHaveLength(1);
    time.now += 1;
    await resolve('v1', 'ConfigMap');
    expect(fake.seen).toHaveLength(2);
    discovery.forget({
      workspace: 'root:acme:team-a',
      groupVersion: parseApiVersion('v1'),
      principal: principalOf('alice'),
    });
    await resolve('v1', 'ConfigMap');
    expect(fake.seen).toHaveLength(3);
  });

  test('all that a workspace serves is asked for once, for each caller, until something of it is forgotten', async () => {
    const { discovery } = setUp();
    fake.handlers.push(({ path }) => (/^\/apis\/(rbac|apis)\./.test(path) ? { body: { resources: [] } } : undefined));
    const query = (user: string) => ({ workspace: 'root:acme:team-a', principal: principalOf(user) });
    const { resources, failed } = await discovery.all(query('alice'));
    expect(resources.map(({ resource }) => resource)).toContain('configmaps');
    expect(failed).toEqual([]);
    const first = asked().length;
    await discovery.all(query('alice'));
    expect(asked()).toHaveLength(first);
    discovery.forget({ ...query('alice'), groupVersion: parseApiVersion('v1') });
    await discovery.all(query('alice'));
    expect(asked()).toHaveLength(2 * first);
  });

  test('an unknown kind is looked up once more, but not again and again; the error names what is near', async () => {
    const { resolve } = setUp();
    await resolve('v1', 'ConfigMap');
    time.now += 5_000;
    const failure = resolve('v1', 'ConfgMap');
    await expect(failure).rejects.toThrow(UnknownKindError);
    await expect(failure).rejects.toThrow(
      'Workspace root:acme:team-a serves v1, but no kind "ConfgMap" in it. Did you mean ConfigMap? Kinds served there: Binding, ConfigMap, Namespace, Secret.',
    );
    expect(fake.seen).toHaveLength(2);
    await expect(resolve('v1', 'Pod')).rejects.toThrow(UnknownKindError);
    expect(fake.seen).toHaveLength(2);
  });

  test('a kind that was just added is found', async () => {
    const { resolve } = setUp();
    await resolve('v1', 'ConfigMap');
    time.now += 5_000;
    const resources = [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }];
    fake.handlers.push(({ path }) => (path === '/api/v1' ? { body: { resources } } : undefined));
    expect(await resolve('v1', 'Pod')).toMatchObject({ resource: 'pods' });
  });

  test('an unknown apiVersion names those that are served', async () => {
    const { resolve } = setUp();
    const failure = resolve('tenancy.kcp.io/v1', 'Workspace');
    await expect(failure).rejects.toThrow(UnknownKindError);
    await expect(failure).rejects.toThrow('Did you mean tenancy.kcp.io/v1alpha1?');
    expect(asked()).toEqual(['alice root:acme:team-a/apis/tenancy.kcp.io/v1', 'alice root:acme:team-a/apis']);
  });

  test('an apiVersion that is listed but not answered for is not called unknown', async () => {
    const { resolve } = setUp();
    fake.handlers.push(({ path }) =>
      path.endsWith('/v1alpha1') ? { status: 404, body: '404 page not found' } : undefined,
    );
    await expect(resolve('tenancy.kcp.io/v1alpha1', 'Workspace')).rejects.toThrow(
      'Workspace root:acme:team-a lists apiVersion tenancy.kcp.io/v1alpha1, but answers 404 for it',
    );
  });

  test('an unknown workspace is not taken for an unknown kind', async () => {
    const { resolve } = setUp();
    await expect(resolve('v1', 'ConfigMap', 'alice', 'root:nope')).rejects.toMatchObject({
      status: 404,
      body: recorded('workspace-not-found'),
    });
  });

  test('subresources are no kinds; odd answers are no crash', async () => {
    fake.handlers.push(() => ({ body: { resources: [{ name: 'x/status', kind: 'X' }, { name: 7 }, null, 'y'] } }));
    const { resolve } = setUp();
    await expect(resolve('v1', 'X')).rejects.toThrow(UnknownKindError);
  });

  test('failures are passed on and not remembered', async () => {
    const { resolve } = setUp();
    fake.handlers.push(() => status(500, 'etcd is sad'));
    await expect(resolve('v1', 'ConfigMap')).rejects.toMatchObject({ status: 500 });
    fake.handlers.length = 0;
    expect(await resolve('v1', 'ConfigMap')).toMatchObject({ resource: 'configmaps' });
  });
});
