import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { recorded, startFakeKcp, status, tokenOf } from '../testing/fake-kcp.ts';
import type { FakeKcp } from '../testing/fake-kcp.ts';
import { createBench } from '../testing/toolset.ts';
import type { ToolBench } from '../testing/toolset.ts';

let fake: FakeKcp;
const benches: ToolBench[] = [];
beforeAll(async () => {
  fake = await startFakeKcp();
});
afterEach(async () => {
  fake.reset();
  await Promise.all(benches.splice(0).map(({ kcp }) => kcp.close()));
});
afterAll(() => fake.stop());

function bench(settings: Parameters<typeof createBench>[1] = {}): ToolBench {
  const created = createBench(fake, settings);
  benches.push(created);
  return created;
}

const TEAM_A = { workspace: 'root:acme:team-a' };

describe('failures help on', () => {
  test('a workspace that may not be entered: who, what, where, and which ones may', async () => {
    const { failure } = bench();
    expect(await failure('namespaces_list', { workspace: 'root:acme:team-b' })).toBe(
      'alice@example.com may not enter workspace root:acme:team-b (403), so could not list namespaces. ' +
        'You may enter 3 workspaces, as of 2026-11-22T20:00:00.000Z: root:acme:team-a, root, root:acme.\n' +
        'kcp says: namespaces is forbidden: User "alice@example.com" cannot list resource "namespaces" in API group "" at the ' +
        'cluster scope: access denied',
    );
  });

  test('a right that is missing inside is told apart from a closed door', async () => {
    const said =
      'secrets is forbidden: User "alice@example.com" cannot list resource "secrets" in API group "" in the namespace "prod": access denied';
    fake.handlers.push(({ path }) => (path.includes('/secrets') ? status(403, said, { kind: 'secrets' }) : undefined));
    const text = await bench().failure('resources_list', {
      ...TEAM_A,
      apiVersion: 'v1',
      kind: 'Secret',
      namespace: 'prod',
    });
    expect(text).toContain(
      'alice@example.com may not list secrets in namespace prod of workspace root:acme:team-a (403). alice@example.com may enter the workspace',
    );
    expect(text).toContain('Role');
    // Which workspaces there are doesn't matter here, and finding out costs kcp a walk.
    expect(fake.seen.some(({ url }) => url.includes('workspaces?'))).toBe(false);
  });

  test('an unknown workspace', async () => {
    const text = await bench().failure('namespaces_list', { workspace: 'root:acme:team-x' });
    expect(text).toMatch(
      /^There is no workspace root:acme:team-x \(404\)\. You may enter 3 workspaces, .*: root:acme:team-a/,
    );
  });

  test('a caller without any workspace', async () => {
    const text = await bench().failure('namespaces_list', { workspace: 'root:acme' }, 'nobody');
    expect(text).toContain('No workspace that you may enter was found from root down.');
  });

  test('an unknown object, kind and apiVersion are told apart', async () => {
    const { failure } = bench();
    const get = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'nope' };
    expect(await failure('resources_get', get)).toBe(
      'There is no ConfigMap "nope" in namespace default of workspace root:acme:team-a (404). List what there is with resources_list.',
    );
    expect(await failure('resources_get', { ...get, kind: 'Podd' })).toContain('serves v1, but no kind "Podd"');
    expect(await failure('resources_get', { ...get, apiVersion: 'apps/v1', kind: 'Deployment' })).toContain(
      'doesn\'t serve apiVersion "apps/v1"',
    );
    expect(await failure('resources_get', { ...get, kind: 'Binding' })).toContain(
      "can't be asked to get; it serves create",
    );
  });

  test('an unknown namespace is not taken for an API that is gone, nor for the object', async () => {
    fake.handlers.push(({ method }) =>
      method === 'PATCH' ? status(404, 'namespaces "nope" not found', { name: 'nope', kind: 'namespaces' }) : undefined,
    );
    for (const name of ['a', 'nope']) {
      const resource = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'nope' } });
      expect(await bench().failure('resources_create_or_update', { ...TEAM_A, resource })).toBe(
        'There is no namespace "nope" in workspace root:acme:team-a (404). namespaces_list shows which there are.',
      );
    }
  });

  test('a missing object does not cost a discovery, an API that is gone does', async () => {
    const { failure } = bench();
    const get = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'nope' };
    await failure('resources_get', get);
    await failure('resources_get', get);
    expect(fake.seen.filter(({ url }) => url.endsWith('/api/v1'))).toHaveLength(1);
    fake.handlers.push(({ path }) =>
      path.includes('/configmaps') ? { status: 404, body: '404 page not found\n' } : undefined,
    );
    expect(await failure('resources_get', get)).toContain("doesn't serve configmaps of v1 (404), at least no longer");
    await failure('resources_get', get);
    expect(fake.seen.filter(({ url }) => url.endsWith('/api/v1'))).toHaveLength(2);
  });

  test("kcp's own 401 is a tool error that names the claims", async () => {
    fake.handlers.push(() => ({ status: 401, body: recorded('bad-token') }));
    for (const tool of ['namespaces_list', 'kcp_workspaces_list']) {
      const text = await bench().failure(tool);
      expect(text).toContain('rejects the token of alice@example.com (401)');
      expect(text).toContain('"aud"');
      expect(text).toContain('https://issuer.test');
      expect(text).toContain('Signing in again will not help');
    }
  });

  test.each([
    [410, 'call again without continue'],
    [429, 'try again in 7 s'],
    [503, 'kcp answered 503: no shard'],
  ])('%i', async (code, part) => {
    fake.handlers.push(() => ({ ...status(code, 'no shard'), headers: { 'retry-after': '7' } }));
    expect(await bench().failure('namespaces_list')).toContain(part);
  });

  test('kcp gone: the host is named, the token is not', async () => {
    fake.handlers.push(() => {
      fake.dropConnections();
      return undefined;
    });
    const text = await bench().failure('namespaces_list');
    expect(text).toContain(`kcp at ${new URL(fake.url).host} can't be reached`);
    expect(text).toContain('Nothing was changed');
    expect(text).not.toContain(tokenOf('alice'));
  });

  test('kcp gone in the middle of a write: it may have been done', async () => {
    fake.handlers.push(({ method }) => {
      if (method === 'DELETE') fake.dropConnections();
      return undefined;
    });
    const target = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'a' };
    const text = await bench().failure('resources_delete', target);
    expect(text).toContain('What was asked may have been done, so look before you try again');
    expect(text).not.toContain('Nothing was changed');
  });

  test('what kcp writes cannot smuggle a token or hidden characters out', async () => {
    fake.handlers.push(() => status(500, `Bearer ${tokenOf('alice')} failed\u202e eyJhbGciOi.eyJzdWI.c2ln`));
    const text = await bench().failure('namespaces_list');
    expect(text).toContain('kcp answered 500: Bearer [redacted] failed [redacted]');
  });

  test('a 403 makes the next list of workspaces a new one', async () => {
    const { text, failure } = bench();
    expect(await text('kcp_workspaces_list')).toContain('root:acme:team-a');
    fake.handlers.push(({ workspace, path }) =>
      workspace === 'root:acme:team-a' || workspace === '33li30yc136z2lca'
        ? status(403, `forbidden: User "alice@example.com" cannot get path "${path}": access denied`)
        : undefined,
    );
    expect(await failure('namespaces_list', TEAM_A)).toContain('You may enter 2 workspaces');
    expect(await text('kcp_workspaces_list')).toContain('can enter (2)');
  });

  test('a workspace that is gone does, too', async () => {
    const { text, failure } = bench();
    expect(await text('kcp_workspaces_list')).toContain('root:acme:team-a');
    fake.handlers.push(({ workspace, path }) => {
      if (workspace === 'root:acme:team-a') {
        return status(404, 'not found', { name: workspace, group: 'tenancy.kcp.io', kind: 'workspaces' });
      }
      const isAcme = workspace === 'root:acme' || workspace === 'iw6o8ima302q41ln';
      return isAcme && path.endsWith('/workspaces') ? { body: { items: [] } } : undefined;
    });
    expect(await failure('namespaces_list', TEAM_A)).toContain('You may enter 2 workspaces');
  });

  test('a right that is missing in an open one does not', async () => {
    const { text, failure } = bench();
    await text('kcp_workspaces_list');
    const listed = () => fake.seen.filter(({ url }) => url.includes('/workspaces?')).length;
    const before = listed();
    fake.handlers.push(({ path }) => (path.includes('/secrets') ? status(403, 'no', { kind: 'secrets' }) : undefined));
    await failure('resources_list', { ...TEAM_A, apiVersion: 'v1', kind: 'Secret' });
    await text('kcp_workspaces_list');
    expect(listed()).toBe(before);
  });
});
