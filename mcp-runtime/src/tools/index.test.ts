import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ProtocolError } from '@modelcontextprotocol/server';
import { recorded, startFakeKcp, status, tokenOf } from '../testing/fake-kcp.ts';
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
  test('names, arguments and annotations are those of kubernetes-mcp-server, plus limit, continue and output', () => {
    const summary = bench()
      .toolset.list()
      .map(({ name, annotations: { title: _, ...annotations } = {}, inputSchema }) => ({
        name,
        arguments: Object.keys(inputSchema.properties ?? {}).join(' '),
        required: inputSchema.required ?? [],
        ...annotations,
      }));
    const reads = { readOnlyHint: true, destructiveHint: false };
    expect(summary).toEqual([
      {
        name: 'kcp_workspaces_list',
        arguments: 'limit continue',
        required: [],
        ...reads,
        idempotentHint: true,
        openWorldHint: false,
      },
      {
        name: 'kcp_workspace_describe',
        arguments: 'workspace',
        required: ['workspace'],
        ...reads,
        openWorldHint: true,
      },
      {
        name: 'namespaces_list',
        arguments: 'workspace fieldSelector limit continue output',
        required: [],
        ...reads,
        openWorldHint: true,
      },
      {
        name: 'resources_list',
        arguments: 'workspace apiVersion kind namespace labelSelector fieldSelector limit continue output',
        required: ['apiVersion', 'kind'],
        ...reads,
        openWorldHint: true,
      },
      {
        name: 'resources_get',
        arguments: 'workspace apiVersion kind name namespace',
        required: ['apiVersion', 'kind', 'name'],
        ...reads,
        openWorldHint: true,
      },
    ]);
  });

  test('is made once', () => {
    const { toolset } = bench();
    expect(toolset.list()).toBe(toolset.list());
  });

  test('leaves out what is switched off', () => {
    expect(names(bench({ toolsets: ['kcp'] }))).toEqual(['kcp_workspaces_list', 'kcp_workspace_describe']);
    expect(names(bench({ disabled_tools: ['resources_get'] }))).not.toContain('resources_get');
    expect(names(bench({ enabled_tools: ['namespaces_list'] }))).toEqual(['namespaces_list']);
    expect(names(bench({ read_only: true, disable_destructive: true }))).toHaveLength(5);
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
    await expect(bench().call('pods_list')).rejects.toThrow(ProtocolError);
  });

  test.each([
    ['namespaces_list', { workspaces: 'root' }, 'Unrecognized key: "workspaces". It takes: workspace, fieldSelector'],
    ['namespaces_list', { limit: 0 }, 'limit: '],
    ['namespaces_list', { output: 'json' }, 'output: '],
    ['resources_list', { kind: 'ConfigMap' }, 'apiVersion: '],
    ['kcp_workspaces_list', { workspace: 'root' }, 'It takes: limit, continue.'],
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

describe('failures help on', () => {
  test('a workspace that may not be entered: who, what, where, and which ones may', async () => {
    const { failure } = bench();
    expect(await failure('namespaces_list', { workspace: 'root:acme:team-b' })).toBe(
      'alice@example.com may not list namespaces in workspace root:acme:team-b: alice@example.com may not enter workspace ' +
        'root:acme:team-b (403). You may enter 3 workspaces, as of 2026-11-22T20:00:00.000Z: root:acme:team-a, root, root:acme.\n' +
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
    expect(text).not.toContain(tokenOf('alice'));
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
});

describe('complete', () => {
  const context = { principal: principalOf('alice'), signal: new AbortController().signal, audit: () => undefined };

  test('workspace, from what the caller can enter', async () => {
    const { toolset } = bench();
    expect(await toolset.complete('workspace', 'root:a', context)).toEqual(['root:acme', 'root:acme:team-a']);
    expect(await toolset.complete('workspace', 'nope', context)).toEqual([]);
    expect(await toolset.complete('kind', 'C', context)).toEqual([]);
  });

  test('offers nothing where kcp does not answer', async () => {
    fake.handlers.push(() => status(500, 'no'));
    expect(await bench().toolset.complete('workspace', '', context)).toEqual([]);
  });
});
