import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { parse } from 'yaml';
import { recorded, startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

let fake: FakeKcp;
let bench: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = createBench(fake);
});
afterEach(() => {
  fake.reset();
  bench.time.now += 60_000;
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

function schemaOf(tool: string): z.ZodType {
  const { outputSchema } = bench.toolset.list().find(({ name }) => name === tool) ?? {};
  return z.fromJSONSchema(outputSchema as Parameters<typeof z.fromJSONSchema>[0]);
}

/** Everybody may enter root and all workspaces in it, `count` of them. */
function manyWorkspaces(count: number, prefix = 'w') {
  fake.handlers.push(({ workspace, path }) => {
    if (!path.endsWith('/workspaces')) return { body: {} };
    const names = workspace === 'root' ? Array.from({ length: count }, (_, index) => `${prefix}${1000 + index}`) : [];
    return { body: { items: names.map((name) => ({ metadata: { name }, status: { phase: 'Ready' } })) } };
  });
}

describe('kcp_workspaces_list', () => {
  test("is the caller's tree, and says where it could not look", async () => {
    const asOf = new Date(bench.time.now).toISOString();
    expect(await bench.text('kcp_workspaces_list')).toBe(
      [
        `Workspaces that alice@example.com can enter (3), as of ${asOf}:`,
        'root',
        '└─ acme        root:acme          universal   Ready',
        '   └─ team-a   root:acme:team-a   universal   Ready',
        '',
        'Visible but not enterable (403), so what is below is unknown: root:acme:team-b, root:globex, root:load',
      ].join('\n'),
    );
  });

  test('the same for programs, as the declared schema has it', async () => {
    const { structuredContent } = await bench.call('kcp_workspaces_list', {}, 'bob');
    expect(structuredContent).toEqual({
      user: 'bob@example.com',
      asOf: new Date(bench.time.now).toISOString(),
      root: 'root',
      source: 'caller',
      total: 2,
      workspaces: [
        { path: 'root' },
        { path: 'root:globex', parent: 'root', cluster: '202ua67tyf20a5ht', type: 'root:universal', phase: 'Ready' },
      ],
      visible: [
        { path: 'root:acme', parent: 'root', cluster: 'iw6o8ima302q41ln', type: 'root:universal', phase: 'Ready' },
        { path: 'root:load', parent: 'root', cluster: '1tsv2q4mq2ypqstm', type: 'root:universal', phase: 'Ready' },
      ],
      incomplete: [
        { workspace: 'root:acme', reason: '403: no access, so what is below it is unknown' },
        { workspace: 'root:load', reason: '403: no access, so what is below it is unknown' },
      ],
      omitted: 0,
    });
    expect(schemaOf('kcp_workspaces_list').safeParse(structuredContent).error).toBeUndefined();
  });

  test('a root that may not be entered: what that means and what to do', async () => {
    const { content, structuredContent } = await bench.call('kcp_workspaces_list', {}, 'nobody');
    expect(content[0]).toMatchObject({
      text: expect.stringMatching(
        /^nobody@example\.com may not enter root, where the search begins \(403\).*doesn't mean there are none.*giving its full path/,
      ) as unknown,
    });
    expect(structuredContent).toMatchObject({ workspaces: [], total: 0, incomplete: [{ workspace: 'root' }] });
    expect(schemaOf('kcp_workspaces_list').safeParse(structuredContent).error).toBeUndefined();
  });

  test('gaps are told with their reasons', async () => {
    fake.handlers.push(({ workspace, path }) =>
      workspace === '33li30yc136z2lca' && path.endsWith('/workspaces')
        ? status(403, 'workspaces.tenancy.kcp.io is forbidden')
        : undefined,
    );
    const text = await bench.text('kcp_workspaces_list');
    expect(text).toContain(
      'Could not look everywhere:\n- root:acme:team-a: could not list its workspaces: 403: workspaces.tenancy.kcp.io is forbidden',
    );
    expect(text).toContain('can enter (3)');
  });

  test('a page too long for an answer is cut where the rest can still be had', async () => {
    manyWorkspaces(480, 'a-name-as-long-as-names-of-workspaces-may-be-'.padEnd(59, 'x'));
    let next: string | undefined;
    let found = 0;
    do {
      const text = await bench.text('kcp_workspaces_list', { limit: 500, continue: next });
      found += text.match(/^.* root:a-name/gm)?.length ?? 0;
      next = /continue: "(.*)"\]$/.exec(text)?.[1];
      expect(text).not.toContain('[cut: ');
    } while (next !== undefined);
    expect(found).toBe(480);
  });

  test('a continue token that no answer gave is refused', async () => {
    manyWorkspaces(3);
    expect(await bench.failure('kcp_workspaces_list', { continue: 'banana' })).toBe(
      'continue: "banana" is not from an earlier answer; leave it out to begin at the start.',
    );
  });

  test('pages through a large tree, each workspace once', async () => {
    manyWorkspaces(230);
    const seen: string[] = [];
    let next: string | undefined;
    const lines: number[] = [];
    do {
      const result = await bench.call('kcp_workspaces_list', next === undefined ? {} : { continue: next });
      const structured = result.structuredContent as { workspaces: { path: string }[]; next?: string; total: number };
      expect(structured.total).toBe(231);
      seen.push(...structured.workspaces.map(({ path }) => path));
      const [content] = result.content;
      const text = content?.type === 'text' ? content.text : '';
      lines.push(text.split('\n').filter((line) => /^(root|[├└])/.test(line)).length);
      expect(text.includes('[cut after')).toBe(structured.next !== undefined);
      next = structured.next;
    } while (next !== undefined);
    expect(seen).toHaveLength(231);
    expect(new Set(seen).size).toBe(231);
    expect(lines).toEqual([100, 100, 31]);
  });

  test('what is only visible is bounded, too, and counted', async () => {
    const items = Array.from({ length: 200 }, (_, index) => ({ metadata: { name: `w${1000 + index}` } }));
    fake.handlers.push(({ workspace, path }) => {
      if (workspace !== 'root') return status(403, 'access denied');
      return { body: path.endsWith('/workspaces') ? { items } : {} };
    });
    const { content, structuredContent } = await bench.call('kcp_workspaces_list');
    expect(structuredContent).toMatchObject({ omitted: 300 });
    expect(content[0]).toMatchObject({ text: expect.stringContaining('root:w1049 (and 150 more)') as unknown });
  });

  describe('a part of them', () => {
    /** root, a (universal), a:x (team), a:x:y, b (universal, not ready), b:z (team) */
    function smallTree() {
      const below: Record<string, Record<string, [type: string, phase?: string]>> = {
        root: { a: ['root:universal'], b: ['root:universal', 'Initializing'] },
        'root:a': { x: ['root:org:team'] },
        idofx: { y: ['root:universal'] },
        'root:b': { z: ['root:team'] },
      };
      fake.handlers.push(({ workspace, path }) => {
        if (!path.endsWith('/workspaces')) return { body: {} };
        const children = Object.entries(below[workspace] ?? {});
        const items = children.map(([name, [type, phase = 'Ready']]) => ({
          metadata: { name },
          spec: {
            cluster: name === 'x' ? 'idofx' : undefined,
            type: { path: type.slice(0, type.lastIndexOf(':')), name: type.split(':').at(-1) },
          },
          status: { phase },
        }));
        return { body: { items } };
      });
    }

    test.each([
      [{ prefix: 'root:a' }, ['root:a', 'root:a:x', 'root:a:x:y']],
      [{ prefix: 'idofx' }, ['root:a:x', 'root:a:x:y']],
      [{ prefix: 'root:a', depth: 1 }, ['root:a', 'root:a:x']],
      [{ depth: 1 }, ['root', 'root:a', 'root:b']],
      [{ type: 'team' }, ['root:a:x', 'root:b:z']],
      [{ type: 'root:team' }, ['root:b:z']],
      [{ phase: 'Initializing' }, ['root:b']],
      [{ prefix: 'root:b', type: 'team', phase: 'Ready' }, ['root:b:z']],
      [{ prefix: 'root:a', limit: 1, continue: 'root:a' }, ['root:a:x']],
    ])('%j', async (args, paths) => {
      smallTree();
      const { structuredContent } = await bench.call('kcp_workspaces_list', args);
      const { workspaces } = structuredContent as { workspaces: { path: string }[] };
      expect(workspaces.map(({ path }) => path)).toEqual(paths);
    });

    test('what is cut out of the tree hangs where it belongs, and it is said of how many it is a part', async () => {
      smallTree();
      const text = await bench.text('kcp_workspaces_list', { prefix: 'root:a', type: 'universal' });
      expect(text.split('\n')).toEqual([
        expect.stringMatching(/can enter \(2 of 6: prefix root:a, type universal\), as of/),
        'root:a   root:a       universal   Ready',
        '└─ x:y   root:a:x:y   universal   Ready',
      ]);
    });

    test('as a table, with ids', async () => {
      smallTree();
      const text = await bench.text('kcp_workspaces_list', { prefix: 'root:a', depth: 1, output: 'flat' });
      expect(text.split('\n').slice(1)).toEqual([
        'PATH       CLUSTER   TYPE             PHASE',
        'root:a     -         root:universal   Ready',
        'root:a:x   idofx     root:org:team    Ready',
      ]);
    });

    test('nothing that fits: which filters would', async () => {
      smallTree();
      expect(await bench.text('kcp_workspaces_list', { type: 'taem', phase: 'ready' })).toMatch(
        /^Of 6 workspaces that alice@example\.com can enter, as of .*, none fits type taem, phase ready\. There is type root:org:team, root:team, root:universal\. There is phase Initializing, Ready\.$/,
      );
      expect(await bench.failure('kcp_workspaces_list', { prefix: 'root:../x' })).toContain('root:../x');
    });

    test('places that could not be looked at are those of the part', async () => {
      const { structuredContent } = await bench.call('kcp_workspaces_list', { prefix: 'root:acme' });
      expect(structuredContent).toMatchObject({
        visible: [{ path: 'root:acme:team-b' }],
        incomplete: [{ workspace: 'root:acme:team-b' }],
      });
    });
  });

  test('begins at the configured workspace', async () => {
    const below = createBench(fake, { cluster_provider_configs: { kcp: { default_workspace: 'root:acme' } } });
    const text = await below.text('kcp_workspaces_list');
    expect(text.split('\n').slice(1, 3)).toEqual(['root:acme', '└─ team-a   root:acme:team-a   universal   Ready']);
    await below.kcp.close();
  });
});

describe('kcp_workspace_describe', () => {
  /** The logical cluster is readable in `root:acme`, which the recording was made of by an admin. */
  test('all parts, by path', async () => {
    const text = await bench.text('kcp_workspace_describe', { workspace: 'root:acme' });
    expect(parse(text)).toEqual({
      workspace: 'root:acme',
      cluster: 'iw6o8ima302q41ln',
      type: 'root:universal',
      phase: 'Ready',
      url: 'https://127.0.0.1:6443/clusters/root:acme',
      owner: 'kcp-admin',
      createdAt: '2026-11-22T19:25:12Z',
      conditions: [
        { type: 'APIBindingsReconciled', status: 'True', lastTransitionTime: '2026-11-22T19:30:17Z' },
        { type: 'WorkspaceInitialized', status: 'True', lastTransitionTime: '2026-11-22T19:25:13Z' },
        { type: 'WorkspaceScheduled', status: 'True', lastTransitionTime: '2026-11-22T19:25:12Z' },
      ],
      children: 2,
      enterable: 'yes, by alice@example.com',
      may: { 'configmaps, namespaces, secrets': '*', 'workspaces.tenancy.kcp.io': 'get, list, watch' },
    });
  });

  test('the APIs that are bound in it', async () => {
    const resources = [{ name: 'apibindings', kind: 'APIBinding', namespaced: false, verbs: ['list'] }];
    fake.handlers.push(({ path }) => {
      if (path === '/apis/apis.kcp.io/v1alpha2') return { body: { resources } };
      return path.endsWith('/apibindings') ? { body: recorded('apibindings') } : undefined;
    });
    expect(parse(await bench.text('kcp_workspace_describe', { workspace: 'root:acme' }))).toMatchObject({
      apis: { 'root/tenancy.kcp.io': 'Bound', 'root/topology.kcp.io': 'Bound' },
    });
  });

  test('the same by id', async () => {
    const byPath = await bench.text('kcp_workspace_describe', { workspace: 'root:acme' });
    expect(await bench.text('kcp_workspace_describe', { workspace: 'iw6o8ima302q41ln' })).toBe(byPath);
  });

  test('an id whose logical cluster is not readable is found in the inventory', async () => {
    fake.handlers.push(({ path }) => (path.includes('logicalclusters') ? status(403, 'no') : undefined));
    const described = parse(await bench.text('kcp_workspace_describe', { workspace: 'iw6o8ima302q41ln' })) as object;
    expect(described).toMatchObject({
      workspace: 'root:acme',
      phase: 'Ready',
      notReadable: { 'LogicalCluster object inside': '403: no' },
    });
  });

  test('a workspace that is visible but closed', async () => {
    fake.handlers.push(({ workspace, path }) =>
      workspace === 'root' && path.endsWith('/workspaces/globex') ? { body: recorded('workspace-get') } : undefined,
    );
    const described = parse(await bench.text('kcp_workspace_describe', { workspace: 'root:globex' })) as object;
    expect(described).toMatchObject({
      workspace: 'root:globex',
      phase: 'Ready',
      enterable: 'no, not by alice@example.com',
      notReadable: {
        'LogicalCluster object inside': expect.stringContaining('403') as unknown,
        children: expect.stringContaining('403') as unknown,
      },
    });
  });

  test('a workspace that is open although its parent is closed', async () => {
    fake.handlers.push(({ workspace }) => (workspace === 'root:acme' ? status(403, 'access denied') : undefined));
    const described = parse(await bench.text('kcp_workspace_describe', { workspace: 'root:acme:team-a' })) as object;
    expect(described).toMatchObject({
      workspace: 'root:acme:team-a',
      children: 0,
      enterable: 'yes, by alice@example.com',
      notReadable: { 'Workspace object in root:acme': '403: access denied' },
    });
  });

  test('root has no parent', async () => {
    const described = parse(await bench.text('kcp_workspace_describe', { workspace: 'root' })) as object;
    expect(described).toMatchObject({ workspace: 'root', children: 3, enterable: 'yes, by alice@example.com' });
  });

  test('a closed one whose parent is closed, too, and one that does not exist', async () => {
    expect(await bench.failure('kcp_workspace_describe', { workspace: 'root:globex:team-x' })).toContain(
      'There is no workspace root:globex:team-x (404). You may enter 3 workspaces',
    );
    expect(await bench.failure('kcp_workspace_describe', { workspace: 'root:acme:team-b' })).toContain(
      'may not enter workspace root:acme:team-b (403)',
    );
    expect(await bench.failure('kcp_workspace_describe', { workspace: 'nosuchcluster' })).toContain(
      'There is no workspace nosuchcluster (404)',
    );
  });

  test('trouble is not taken for a missing right', async () => {
    fake.handlers.push(({ path }) => (path.includes('logicalclusters') ? status(500, 'etcd is sad') : undefined));
    expect(await bench.failure('kcp_workspace_describe', { workspace: 'root:acme' })).toContain('500: etcd is sad');
  });

  test('more children than one page', async () => {
    fake.handlers.push(({ path, accept }) =>
      path.endsWith('/workspaces') && accept.includes('as=Table')
        ? {
            body: {
              kind: 'Table',
              rows: Array.from({ length: 500 }, () => ({})),
              metadata: { continue: 'x', remainingItemCount: 7 },
            },
          }
        : undefined,
    );
    expect(parse(await bench.text('kcp_workspace_describe', { workspace: 'root:acme' }))).toMatchObject({
      children: 507,
    });
  });
});
