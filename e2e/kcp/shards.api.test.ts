import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { waitFor } from '../lib/wait.ts';
import { homeClusterOf } from './ids.ts';
import { mountWorkspace } from './mount-workspace.ts';
import { startKcpForTest } from './testing.ts';
import type { KcpForTest } from './testing.ts';
import { isRealKcpGiven } from './which-kcp.ts';
import type { Workspace } from './workspace.ts';

// What a kcp of several shards shows, mounted workspaces and homes. A real kcp that we start has one shard.
const standInOnly = isRealKcpGiven() ? describe.skip : describe;

const workspaces = '/apis/tenancy.kcp.io/v1alpha1/workspaces';
const alice = { kind: 'User', name: 'alice@example.com' } as const;
const everyone = { kind: 'Group', name: 'system:authenticated' } as const;

let running: KcpForTest;

standInOnly('a kcp of two shards', () => {
  beforeAll(async () => {
    running = await startKcpForTest(
      {
        root: { grants: [{ subject: everyone, level: 'enter' }] },
        workspaces: [
          { path: 'root:one', shard: 'root', grants: [{ subject: alice, level: 'enter' }] },
          { path: 'root:two', shard: 'shard-1', grants: [] },
          { path: 'root:two:below', grants: [{ subject: alice, level: 'edit' }] },
        ],
      },
      { shards: 2 },
    );
  }, 300_000);

  afterAll(() => running.stop());

  test('has an address of each shard, where the Workspaces that lie on it are', async () => {
    const slice = '/apis/apis.kcp.io/v1alpha1/apiexportendpointslices/tenancy.kcp.io';
    const { status } = (await running.admin.request('root', slice)) as { status: { endpoints: { url: string }[] } };
    expect(status.endpoints).toHaveLength(2);
    const [first, second] = status.endpoints.map(({ url }) => new URL(url));
    expect(first?.origin).toBe(running.kcp.url);
    expect(second?.origin).not.toBe(running.kcp.url);
    expect(second?.pathname).toBe('/services/apiexport/root/tenancy.kcp.io');

    const lists = await Promise.all(
      [first, second].map(async (url, at) => {
        const ca = await readFile((at === 0 ? running.kcp.caFile : running.kcp.shardCAFile) ?? '');
        const { certFile, keyFile } = adminPair();
        const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
        const dispatcher = new Agent({ connect: { ca, cert, key } });
        const response = await fetch(`${url?.href ?? ''}/clusters/*${workspaces}`, { dispatcher });
        const { items } = (await response.json()) as { items: Workspace[] };
        await dispatcher.close();
        return items.map(({ metadata, spec }) => [metadata.name, spec?.cluster]);
      }),
    );
    const { 'root:one': one, 'root:two': two, 'root:two:below': below } = running.kcp.workspaces;
    // Where a Workspace lies follows its parent: root's children lie on root's shard, whichever shard they are served by.
    expect(lists).toEqual([
      [
        ['one', one?.cluster],
        ['two', two?.cluster],
      ],
      [['below', below?.cluster]],
    ]);
  });

  test('is one tree to its callers', async () => {
    expect(await running.statusOf('alice', '/clusters/root:two/version')).toBe(403);
    expect(await running.statusOf('alice', '/clusters/root:two:below/version')).toBe(200);
    const object = (await running.admin.request('root', `${workspaces}/two`)) as Workspace;
    expect(object.metadata.annotations).toMatchObject({ 'core.kcp.io/shard': 'shard-1' });
  });

  test('a home workspace is made by asking for it, is the user’s own, and shown by no list', async () => {
    const home = `/clusters/${homeClusterOf('alice@example.com')}`;
    expect(await running.statusOf('alice', `${home}/version`)).toBe(403);
    const asked = await waitFor(
      'the home workspace',
      async () => {
        const response = await running.send('alice', `/clusters/root${workspaces}/~`);
        if (response.status === 429) expect(response.headers.get('retry-after')).toBe('1');
        return response.status === 200 ? ((await response.json()) as Workspace) : undefined;
      },
      { deadlineMs: 60_000 },
    );
    expect(asked).toMatchObject({ spec: { cluster: homeClusterOf('alice@example.com') }, status: { phase: 'Ready' } });
    expect(await running.statusOf('alice', `${home}/version`)).toBe(200);
    expect(await running.statusOf('bob', `${home}/version`)).toBe(403);
    const body = JSON.stringify({
      apiVersion: 'tenancy.kcp.io/v1alpha1',
      kind: 'Workspace',
      metadata: { name: 'mine' },
    });
    const headers = { 'content-type': 'application/json' };
    expect(await running.statusOf('alice', `${home}${workspaces}`, { method: 'POST', headers, body })).toBe(201);
    const entered = async (): Promise<boolean> => (await running.statusOf('alice', `${home}:mine/version`)) === 200;
    await waitFor('the workspace below it', entered, { deadlineMs: 60_000 });
    const { items } = (await running.admin.request('root', workspaces)) as { items: Workspace[] };
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['one', 'two']);
  }, 150_000);

  test('a mounted workspace is the API server that it names, for every path below it', async () => {
    const target = running.kcp.workspaces['root:two:below']?.cluster ?? '';
    await mountWorkspace(running.admin, 'root:one', 'edge', `${running.kcp.url}/clusters/${target}`);
    const object = (await running.admin.request('root:one', `${workspaces}/edge`)) as Workspace;
    expect(object.spec?.cluster).toBeUndefined();
    const path = '/api/v1/namespaces/default';
    for (const place of ['root:one:edge', 'root:one:edge:whatever']) {
      const response = await running.send('alice', `/clusters/${place}${path}`);
      expect(await response.json()).toMatchObject({
        metadata: {
          name: 'default',
          annotations: { 'kcp.io/cluster': running.kcp.workspaces['root:two:below']?.cluster },
        },
      });
    }
    expect(await running.statusOf('bob', `/clusters/root:one:edge/version`)).toBe(403);
  }, 60_000);
});

function adminPair() {
  const pki = `${running.dir}/kcp/pki`;
  return { certFile: `${pki}/admin.crt`, keyFile: `${pki}/admin.key` };
}
