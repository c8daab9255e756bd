import { describe, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { execute, host, mcpAs, state, tokensOf } from './support.ts';

interface Inventory {
  asOf: string;
  workspaces: { path: string }[];
}

const pathsOf = (result: { structuredContent?: unknown }): string[] =>
  (result.structuredContent as Inventory).workspaces.map(({ path }) => path);

describe.each(['2025-11-25', '2026-07-28'] as const)('a client of the %s era', (era) => {
  test.each([
    ['alice', ['root', 'root:acme', 'root:acme:team-a']],
    ['bob', ['root', 'root:globex', 'root:globex:team-x']],
  ])('%s sees exactly the workspaces that kcp lets them into', async (user, expected) => {
    const client = await mcpAs(user, era);
    try {
      const result = await client.callTool('kcp_workspaces_list', {});
      expect(result.isError).toBeFalsy();
      expect(pathsOf(result)).toEqual(expected);
    } finally {
      await client.close();
    }
  });

  test('lists the tools of all toolsets, telling those that change something', async () => {
    const client = await mcpAs('alice', era);
    try {
      const tools = await client.listTools();
      const names = (changing: boolean) =>
        tools.filter(({ annotations }) => (annotations?.readOnlyHint === true) !== changing).map(({ name }) => name);
      expect(names(false)).toEqual(
        expect.arrayContaining(['kcp_workspaces_list', 'kcp_find', 'kcp_whoami', 'resources_list', 'namespaces_list']),
      );
      expect(names(true).sort()).toEqual([
        'kcp_apibinding_create',
        'kcp_workspace_create',
        'kcp_workspace_delete',
        'resources_create_or_update',
        'resources_delete',
        'resources_scale',
      ]);
    } finally {
      await client.close();
    }
  });
});

describe('core tools', () => {
  test('answer in a workspace of the caller, and refuse another with the ones that the caller has', async () => {
    const alice = await mcpAs('alice');
    try {
      const own = await alice.callTool('namespaces_list', { workspace: 'root:acme:team-a' });
      expect(own.text).toMatch(/^default\s/m);
      const foreign = await alice.callTool('namespaces_list', { workspace: 'root:globex:team-x' });
      expect(foreign.isError).toBe(true);
      expect(foreign.text).toContain('root:globex:team-x');
      expect(foreign.text).toContain('root:acme:team-a');
    } finally {
      await alice.close();
    }
  });

  test('apply, find and delete an object, with what would change shown before', async () => {
    const alice = await mcpAs('alice');
    const workspace = 'root:acme:team-a';
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied-by-alice', namespace: 'default' },
    };
    const apply = (theme: string, more = {}) =>
      alice.callTool('resources_create_or_update', {
        ...{ workspace, resource: JSON.stringify({ ...object, data: { theme } }) },
        ...more,
      });
    try {
      expect((await apply('dark')).text).toContain('created');
      expect((await apply('light', { dryRun: true })).text).toMatch(/-\s+theme: dark\n\+\s+theme: light/);
      const query = { apiVersion: 'v1', kind: 'ConfigMap', name: 'applied-by-alice' };
      expect((await alice.callTool('kcp_find', query)).structuredContent).toMatchObject({ objects: [{ workspace }] });
      const gone = await alice.callTool('resources_delete', { ...query, workspace, namespace: 'default' });
      expect(gone.text).toContain('deleted');
      expect((await alice.callTool('kcp_find', query)).structuredContent).toMatchObject({ objects: [] });
    } finally {
      await alice.close();
    }
  });

  test('never show what is in a Secret', async () => {
    const alice = await mcpAs('alice');
    try {
      const query = { apiVersion: 'v1', kind: 'Secret', workspace: 'root:acme:team-a' };
      const list = await alice.callTool('resources_list', { ...query, namespace: 'default', output: 'yaml' });
      expect(list.isError).toBeFalsy();
      const { stdout } = await execute(state.bin['kubectl'] ?? 'kubectl', [
        ...['--kubeconfig', state.kcp.kubeconfig, '--server', `${state.kcp.url}/clusters/root:acme:team-a`],
        ...['get', 'secrets', '-n', 'default', '-o', 'jsonpath={.items[*].data.password}'],
      ]);
      const values = stdout.split(' ').filter((value) => value.length > 0);
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(list.text).not.toContain(value);
      for (const value of values) expect(list.text).not.toContain(Buffer.from(value, 'base64').toString());
    } finally {
      await alice.close();
    }
  });

  test('id tokens are as good as access tokens', async () => {
    const { idToken } = await tokensOf('bob');
    const { connectMcp } = await import('../oidc/connect.ts');
    const bob = await connectMcp({ mcpURL: state.mcpURL, accessToken: idToken ?? '', ca: state.caFile });
    try {
      expect(pathsOf(await bob.callTool('kcp_workspaces_list', {}))).toContain('root:globex:team-x');
    } finally {
      await bob.close();
    }
  });
});

test('the audit line says who called what where, and no log holds a token', async () => {
  const { accessToken } = await tokensOf('alice');
  const alice = await mcpAs('alice');
  await alice.callTool('namespaces_list', { workspace: 'root:acme:team-a' });
  await alice.close();
  // Of all its Pods: one that is being replaced may still be there.
  const pods = ['-l', `app.kubernetes.io/instance=${state.server.name}`, '-n', state.server.namespace];
  const logs = await waitFor(
    'the audit line',
    async () => {
      const text = await host.run(['logs', ...pods, '--tail=-1']);
      const audited = text
        .split('\n')
        .filter((line) => line.includes('namespaces_list') && line.includes('root:acme:team-a'));
      return audited.some((line) => line.includes('alice@example.com')) && text;
    },
    { deadlineMs: 20_000 },
  );
  const signature = accessToken.split('.')[2] ?? accessToken;
  expect(logs).not.toContain(signature);
});
