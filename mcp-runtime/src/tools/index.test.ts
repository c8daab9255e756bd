import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ProtocolError } from '@modelcontextprotocol/server';
import { startFakeKcp, status, tokenOf } from '../testing/fake-kcp.ts';
import type { FakeKcp } from '../testing/fake-kcp.ts';
import { principalOf } from '../testing/principals.ts';
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
const names = ({ toolset }: ToolBench) => toolset.list().map(({ name }) => name);

describe('list', () => {
  test('a plain cluster has no workspaces: no argument and no tool is about them', () => {
    const { toolset } = bench({ cluster_provider_strategy: 'kubeconfig' });
    expect(JSON.stringify(toolset.list())).not.toMatch(/"workspace"|workspace_list|kcp_/);
    const config = bench({ cluster_provider_strategy: 'kcp', toolsets: ['config'] });
    expect(names(config)).toEqual(['configuration_view', 'workspace_list']);
    expect(names(bench({ cluster_provider_strategy: 'kubeconfig', toolsets: ['config'] }))).toEqual([
      'configuration_view',
    ]);
  });

  test('is made once', () => {
    const { toolset } = bench();
    expect(toolset.list()).toBe(toolset.list());
  });

  test('leaves out what is switched off', () => {
    expect(names(bench({ toolsets: ['kcp'] })).every((name) => name.startsWith('kcp_'))).toBe(true);
    expect(names(bench({ disabled_tools: ['resources_get'] }))).not.toContain('resources_get');
    expect(names(bench({ enabled_tools: ['namespaces_list'] }))).toEqual(['namespaces_list']);
    const all = bench().toolset.list();
    const reads = all.filter(({ annotations }) => annotations?.readOnlyHint === true).map(({ name }) => name);
    expect(names(bench({ read_only: true }))).toEqual(reads);
    const harmless = names(bench({ disable_destructive: true }));
    expect(harmless).toEqual(expect.arrayContaining([...reads, 'kcp_workspace_create']));
    expect(harmless).not.toContain('resources_delete');
    const denied = names(bench({ denied_resources: [{ kind: 'Pod' }] }));
    expect(denied.filter((name) => name.startsWith('pods_'))).toEqual([]);
  });
});

describe('gates at call time', () => {
  test.each([
    ['toolsets', { toolsets: ['kcp' as const] }, 'toolset "core" is not enabled'],
    ['disabled_tools', { disabled_tools: ['namespaces_list'] }, 'disabled_tools'],
    ['enabled_tools', { enabled_tools: ['resources_get'] }, 'enabled_tools'],
    ['denied_resources', { denied_resources: [{ kind: 'Namespace' }] }, 'denied_resources'],
  ])('%s: refused before anything goes to kcp', async (_, settings, why) => {
    const { failure, audited } = bench(settings);
    expect(await failure('namespaces_list', TEAM_A)).toContain(why);
    expect(fake.seen).toHaveLength(0);
    expect(audited.at(-1)).toEqual({ result: 'denied' });
  });

  test.each(['Secret', 'secret', 'secrets'])('a denied kind asked for as %s', async (kind) => {
    const { failure } = bench({ denied_resources: [{ version: 'v1', kind: 'Secret' }] });
    for (const [tool, name] of [['resources_list'], ['resources_get', 'db']] as const) {
      const args = { ...TEAM_A, apiVersion: 'v1', kind, ...(name !== undefined && { name }) };
      expect(await failure(tool, args)).toContain('denied_resources');
    }
    expect(fake.seen.map(({ url }) => url)).toEqual(['/clusters/root:acme:team-a/api/v1']);
  });

  test('denied Workspaces are not told in errors or completions either', async () => {
    const { failure, toolset } = bench({ denied_resources: [{ group: 'tenancy.kcp.io' }] });
    expect(await failure('namespaces_list', { workspace: 'root:acme:team-b' })).not.toContain('team-a');
    const context = { principal: principalOf('alice'), signal: new AbortController().signal, audit: () => undefined };
    expect(await toolset.complete('workspace', 'root', context)).toEqual([]);
    expect(await failure('kcp_workspaces_list')).toContain('denied_resources');
  });
});

describe('call', () => {
  test('a warm call is one request: no discovery, no new connection', async () => {
    const { text } = bench();
    const get = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' };
    fake.handlers.push(({ path }) =>
      path.endsWith('/configmaps/settings')
        ? { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } } }
        : undefined,
    );
    await text('resources_get', get);
    await text('resources_get', get);
    const requests = fake.seen.length;
    const handshakes = fake.handshakes();
    for (let round = 1; round <= 10; round += 1) {
      await text('resources_get', get);
      await text('namespaces_list', TEAM_A);
      expect(fake.seen).toHaveLength(requests + 2 * round);
    }
    expect(fake.handshakes()).toBe(handshakes);
  });

  test('an unknown tool is a protocol error', async () => {
    await expect(bench().call('pod_list')).rejects.toThrow(ProtocolError);
  });

  test.each([
    ['namespaces_list', { workspaces: 'root' }, 'Unrecognized key: "workspaces". It takes: workspace, fieldSelector'],
    ['namespaces_list', { limit: 0 }, 'limit: '],
    ['namespaces_list', { output: 'json' }, 'output: '],
    ['resources_list', { kind: 'ConfigMap' }, 'apiVersion: '],
    ['kcp_workspaces_list', { workspace: 'root' }, 'It takes: prefix, depth, type, phase, output, limit, continue'],
    ['kcp_workspaces_list', { continue: '../x' }, 'workspace "../x" is not valid'],
    ['resources_list', 'nonsense', 'Wrong arguments for resources_list'],
    ['resources_get', { apiVersion: 'v1', kind: 'ConfigMap', name: '../x' }, 'name "../x" is not valid'],
    [
      'resources_get',
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: '..' },
      'namespace ".." is not valid',
    ],
    ['resources_list', { apiVersion: 'a/b/c', kind: 'X' }, 'apiVersion "a/b/c" is not valid'],
    ['namespaces_list', { workspace: 'root/acme' }, 'separated by ":"'],
    ['namespaces_list', { workspace: '*' }, 'not served'],
  ])('wrong arguments are told, not thrown: %s %j', async (tool, args, part) => {
    const { failure, audited } = bench();
    expect(await failure(tool, args)).toContain(part);
    expect(audited.at(-1)).toEqual({ result: 'invalid' });
  });

  test('without a workspace the default one is used', async () => {
    const { text, audited } = bench({ cluster_provider_configs: { kcp: { default_workspace: 'root:acme' } } });
    await text('namespaces_list');
    expect(fake.seen[0]?.url).toMatch(/^\/clusters\/root:acme\/api\/v1\/namespaces/);
    expect(audited).toEqual([{ workspace: 'root:acme' }, { result: 'ok' }]);
  });

  test('the audit log learns workspace, object and result, and no token', async () => {
    const { failure, audited } = bench();
    await failure('resources_get', { ...TEAM_A, apiVersion: 'v1', kind: 'Secret', name: 'db', namespace: 'prod' });
    expect(Object.assign({}, ...audited)).toEqual({
      workspace: 'root:acme:team-a',
      object: 'Secret (v1) prod/db',
      result: 'not_found',
    });
    expect(JSON.stringify(audited)).not.toContain(tokenOf('alice'));
  });

  test('a cancelled call ends and says so', async () => {
    const abort = new AbortController();
    const arrived = Promise.withResolvers<undefined>();
    const hold = Promise.withResolvers<undefined>();
    fake.handlers.push(async () => {
      arrived.resolve(undefined);
      await hold.promise;
      return undefined;
    });
    const { call } = bench();
    const running = call('namespaces_list', TEAM_A, 'alice', abort.signal);
    await arrived.promise;
    abort.abort();
    expect(await running).toMatchObject({ isError: true, content: [{ text: 'The call was cancelled.' }] });
    hold.resolve(undefined);
  });
});

describe('complete', () => {
  const context = { principal: principalOf('alice'), signal: new AbortController().signal, audit: () => undefined };

  test('workspace, from what the caller can enter', async () => {
    const { toolset } = bench();
    expect(await toolset.complete('workspace', 'root:a', context)).toEqual(['root:acme', 'root:acme:team-a']);
    expect(await toolset.complete('workspace', 'nope', context)).toEqual([]);
    expect(await toolset.complete('kind', 'C', context)).toEqual([]);
  });

  test('a plain cluster has no workspaces to offer, and is not asked for any', async () => {
    const { toolset } = bench({ cluster_provider_strategy: 'kubeconfig' });
    expect(await toolset.complete('workspace', '', context)).toEqual([]);
    expect(fake.seen).toHaveLength(0);
  });

  test('offers nothing where kcp does not answer', async () => {
    fake.handlers.push(() => status(500, 'no'));
    expect(await bench().toolset.complete('workspace', '', context)).toEqual([]);
  });
});
