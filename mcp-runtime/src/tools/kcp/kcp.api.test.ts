import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { startKcpForTest } from '../../../../e2e/kcp/testing.ts';
import type { KcpForTest } from '../../../../e2e/kcp/testing.ts';
import type { Grant, WorkspaceTree } from '../../../../e2e/kcp/tree.ts';
import { waitFor } from '../../../../e2e/lib/wait.ts';
import { demoAccounts } from '../../../../e2e/oidc/accounts.ts';
import { signTestToken } from '../../../../e2e/oidc/test-tokens.ts';
import { createPrincipal } from '../../auth/principal.ts';
import { kubeconfigOf } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

// kcp's tools on kcp itself (KCP_BIN, KCP_KUBECONFIG) or its stand-in, signed in by OIDC.

const user = (name: string): Grant['subject'] => ({ kind: 'User', name: `${name}@example.com` });
const tree: WorkspaceTree = {
  root: { grants: [{ subject: { kind: 'Group', name: 'system:authenticated' }, level: 'enter' }] },
  workspaces: [
    { path: 'root:shop', grants: [{ subject: user('alice'), level: 'admin' }] },
    { path: 'root:lab', grants: [{ subject: user('bob'), level: 'edit' }] },
    {
      path: 'root:shop:front',
      grants: [
        { subject: user('alice'), level: 'edit' },
        { subject: user('bob'), level: 'enter' },
      ],
      configMaps: { settings: { theme: 'dark' } },
    },
  ],
};

let running: KcpForTest;
let bench: ToolBench;

beforeAll(async () => {
  running = await startKcpForTest(tree);
  const tokens = new Map<string, string>();
  for (const account of demoAccounts) tokens.set(account.name, await signTestToken(running.issuer, { account }));
  const principal = (name: string) =>
    createPrincipal({
      subject: name,
      issuer: running.issuer.issuerURL,
      username: `${name}@example.com`,
      token: tokens.get(name) ?? '',
      tokenHash: name,
      claimsHash: createHash('sha256').update(name).digest('hex'),
      expiresAt: 4_000_000_000,
      scopes: ['openid'],
    });
  const kubeconfig = kubeconfigOf(running.kcp.url, readFileSync(running.kcp.caFile, 'utf8'));
  bench = createBench({ kubeconfig }, {}, principal);
}, 300_000);

afterAll(async () => {
  await bench.kcp.close();
  await running.stop();
}, 60_000);

const structured = async (tool: string, args: object = {}, name = 'alice') =>
  (await bench.call(tool, args, name)).structuredContent as Record<string, unknown>;

test('who the caller is, as kcp sees it', async () => {
  expect(await structured('kcp_whoami')).toMatchObject({
    user: 'alice@example.com',
    groups: expect.arrayContaining(['devs', 'system:authenticated']) as unknown,
  });
});

test('what the caller may do, and why', async () => {
  const check = (args: object, name?: string) =>
    structured('kcp_access_check', { workspace: 'root:shop:front', ...args }, name);
  expect(await check({ verb: 'delete', resource: 'configmaps' })).toMatchObject({ allowed: true });
  expect(await check({ verb: 'delete', resource: 'configmaps' }, 'bob')).toMatchObject({ allowed: false });
  expect(await check({ verb: 'create', resource: 'workspaces' })).toMatchObject({ allowed: false });
  expect(await check({ workspace: 'root:shop', verb: 'create', resource: 'workspaces' })).toMatchObject({
    allowed: true,
  });
  expect(await check({ workspace: 'root:lab', verb: 'get', resource: 'configmaps' })).toMatchObject({ allowed: false });
});

test('a workspace, with what is bound in it and what the caller may do there', async () => {
  const describe = async (workspace: string) =>
    parse(await bench.text('kcp_workspace_describe', { workspace })) as object;
  expect(await describe('root:shop')).toMatchObject({
    workspace: 'root:shop',
    phase: 'Ready',
    apis: { 'root/tenancy.kcp.io': 'Bound' },
    enterable: 'yes, by alice@example.com',
  });
  expect(await describe('root:shop:front')).toMatchObject({
    may: { 'configmaps, namespaces, secrets': '*' },
    notReadable: { APIBindings: expect.stringMatching(/^403: /) as unknown },
  });
});

test('the kinds, bindings, exports and types that there are', async () => {
  const resources = await bench.text('kcp_api_resources_list', { workspace: 'root:shop', limit: 500 });
  expect(resources).toMatch(/^configmaps +cm +v1 +true +ConfigMap /m);
  expect(resources).toMatch(/^workspaces +ws +tenancy\.kcp\.io\/v1alpha1 +false +Workspace /m);
  expect(resources).not.toContain('Could not ask');
  expect(await bench.text('kcp_apibindings_list', { workspace: 'root:shop' })).toMatch(
    / root\/tenancy\.kcp\.io +Bound /,
  );
  expect(await bench.text('kcp_logicalcluster_get', { workspace: 'root:shop' })).toContain('kind: LogicalCluster');
  expect(await bench.failure('kcp_apiexports_list', { workspace: 'root' })).toContain(
    'may not list apiexports.apis.kcp.io',
  );
});

test('where an object is, over all workspaces that the caller has, and where it could not be looked', async () => {
  const query = { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' };
  expect(await structured('kcp_find', query)).toMatchObject({
    objects: [{ workspace: 'root:shop:front', namespace: 'default', name: 'settings' }],
    total: 3,
    incomplete: [{ workspace: 'root', reason: expect.stringMatching(/^403: /) as unknown }],
  });
});

describe('a workspace comes and goes', () => {
  test('created, used, found, and deleted after a yes', async () => {
    const created = await structured('kcp_workspace_create', {
      workspace: 'root:shop',
      name: 'back',
      type: 'root:universal',
    });
    expect(created).toMatchObject({ workspace: 'root:shop:back', phase: 'Ready', ready: true });
    expect(bench.progressed.map(({ message }) => message)).toContain('Workspace root:shop:back: Ready');

    const resource = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { theme: light }\n';
    expect(await bench.text('resources_create_or_update', { workspace: 'root:shop:back', resource })).toContain(
      'created',
    );
    const found = await structured('kcp_find', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: 'settings',
      prefix: 'root:shop',
    });
    expect(found).toMatchObject({ objects: [{ workspace: 'root:shop:back' }, { workspace: 'root:shop:front' }] });
    const listed = await structured('kcp_workspaces_list');
    expect(listed).toMatchObject({
      workspaces: expect.arrayContaining([expect.objectContaining({ path: 'root:shop:back' })]) as unknown,
    });

    const { cluster } = created as { cluster: string };
    expect(await bench.failure('kcp_workspace_delete', { workspace: cluster })).toContain('confirm: "back"');
    expect(await bench.text('kcp_workspace_delete', { workspace: cluster, confirm: 'back' })).toContain(
      'Workspace root:shop:back is being deleted',
    );
    await waitFor(
      'the workspace to be gone',
      async () => (await bench.call('kcp_workspace_describe', { workspace: 'root:shop:back' })).isError === true,
      { deadlineMs: 30_000, intervalMs: 100 },
    );
  }, 60_000);

  test('not by somebody who may not', async () => {
    expect(await bench.failure('kcp_workspace_create', { workspace: 'root:shop', name: 'mine' }, 'bob')).toContain(
      'may not enter workspace root:shop (403)',
    );
    expect(await bench.failure('kcp_workspace_delete', { workspace: 'root:lab', confirm: 'lab' }, 'bob')).toContain(
      'may not delete workspaces.tenancy.kcp.io "lab" in workspace root (403)',
    );
  });
});
