import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InputNeeded, NOBODY } from '../../interaction.ts';
import type { Interaction } from '../../interaction.ts';
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
  bench.progressed.length = 0;
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

const urls = (method: string) =>
  fake.seen.filter((request) => request.method === method).map(({ url }) => url.split('?')[0]);

describe('kcp_workspace_create', () => {
  /** A new workspace that goes through kcp's phases, one with each look. */
  function creating(): void {
    const phases = ['Scheduling', 'Scheduling', 'Initializing', 'Ready'];
    let opened = 0;
    fake.handlers.push(({ workspace, path, method }) => {
      if (workspace === 'root:acme' && method === 'POST')
        return { status: 201, body: recorded('workspace-create-admin') };
      if (workspace === 'root:acme' && path.endsWith('/workspaces/new')) {
        const phase = phases.length > 1 ? phases.shift() : phases[0];
        return {
          body: {
            metadata: { name: 'new' },
            spec: { cluster: 'abc123', URL: 'https://kcp/clusters/root:acme:new' },
            status: { phase },
          },
        };
      }
      // kcp's front learns of it, and its rights come into force, a moment later.
      if (workspace === 'root:acme:new') {
        opened += 1;
        if (opened === 1)
          return status(404, 'not found', { name: 'root:acme:new', group: 'tenancy.kcp.io', kind: 'workspaces' });
        return opened === 2 ? status(403, 'access denied') : { body: {} };
      }
      return undefined;
    });
  }

  test('waits until it can be used, telling each phase once', async () => {
    creating();
    const args = { workspace: 'root:acme', name: 'new', type: 'root:universal' };
    const { structuredContent } = await bench.call('kcp_workspace_create', args);
    expect(structuredContent).toEqual({
      workspace: 'root:acme:new',
      cluster: 'abc123',
      phase: 'Ready',
      url: 'https://kcp/clusters/root:acme:new',
      ready: true,
    });
    expect(bench.progressed).toEqual([
      { done: 1, message: 'Workspace root:acme:new: Scheduling' },
      { done: 2, message: 'Workspace root:acme:new: Initializing' },
      { done: 3, message: 'Workspace root:acme:new: Ready, not open yet' },
      { done: 4, message: 'Workspace root:acme:new: Ready' },
    ]);
  });

  test('the list that comes after knows it', async () => {
    await bench.text('kcp_workspaces_list');
    const walked = fake.seen.length;
    creating();
    await bench.text('kcp_workspace_create', { workspace: 'root:acme', name: 'new', wait: false });
    const before = fake.seen.length;
    await bench.text('kcp_workspaces_list');
    expect(fake.seen.length - before).toBe(walked);
  });

  test('what is not ready in time is told as it is', async () => {
    const hasty = createBench(fake, { toolset_configs: { kcp: { request_timeout: '1s' } } });
    fake.handlers.push(({ method, path }) => {
      if (method === 'POST') return { status: 201, body: recorded('workspace-create-admin') };
      return path.endsWith('/workspaces/new')
        ? { body: { metadata: { name: 'new' }, status: { phase: 'Initializing' } } }
        : undefined;
    });
    expect(await hasty.text('kcp_workspace_create', { workspace: 'root:acme', name: 'new' })).toBe(
      "Workspace root:acme:new was created and is in phase Initializing: it can't be used yet. kcp_workspace_describe tells when it is Ready.",
    );
    await hasty.kcp.close();
  });

  test.each([
    [{ name: 'Team A' }, 'name: must be lower-case letters'],
    [
      { name: 'new', type: 'universal' },
      'does not say which workspace defines it: write for instance "root:universal"',
    ],
    [{ name: 'new', type: '../x' }, 'is not valid'],
  ])('wrong arguments: %j', async (args, part) => {
    expect(await bench.failure('kcp_workspace_create', args)).toContain(part);
    expect(urls('POST')).toEqual([]);
  });

  test('one without the right is told which', async () => {
    fake.handlers.push(({ method }) =>
      method === 'POST'
        ? status(403, 'workspaces.tenancy.kcp.io is forbidden: User "alice@example.com" cannot create')
        : undefined,
    );
    expect(await bench.failure('kcp_workspace_create', { workspace: 'root:acme', name: 'new' })).toContain(
      'alice@example.com may not create workspaces.tenancy.kcp.io "new" in workspace root:acme (403)',
    );
  });
});

describe('kcp_workspace_delete', () => {
  const ACME = { workspace: 'root:acme' };

  function deletable(): unknown[] {
    const deleted: unknown[] = [];
    fake.handlers.push(({ workspace, path, method, body }) => {
      if (method !== 'DELETE' || workspace !== 'root' || !path.endsWith('/workspaces/acme')) return undefined;
      deleted.push(body);
      return { body: recorded('workspace-delete') };
    });
    return deleted;
  }

  test('the tool for any object names the one that asks', async () => {
    const deleted = deletable();
    const target = { workspace: 'root', apiVersion: 'tenancy.kcp.io/v1alpha1', kind: 'Workspace', name: 'acme' };
    expect(await bench.failure('resources_delete', target)).toContain('Use kcp_workspace_delete');
    expect(deleted).toEqual([]);
  });

  test('where nobody can be asked, its name has to be given', async () => {
    const deleted = deletable();
    const text = await bench.failure('kcp_workspace_delete', ACME);
    expect(text).toContain(
      'Not confirmed: nothing was deleted. Workspace root:acme (and the 2 workspaces right below it) would go',
    );
    expect(text).toContain('call again with confirm: "acme"');
    expect(await bench.failure('kcp_workspace_delete', { ...ACME, confirm: 'root:acme' })).toContain(
      'confirm is not "acme"',
    );
    expect(deleted).toEqual([]);
    expect(await bench.text('kcp_workspace_delete', { ...ACME, confirm: 'acme' })).toBe(
      'Workspace root:acme is being deleted.',
    );
    const { uid } = (recorded('workspace-get') as { metadata: { uid: string } }).metadata;
    expect(deleted).toEqual([{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }]);
  });

  test('the same by id', async () => {
    const deleted = deletable();
    expect(await bench.text('kcp_workspace_delete', { workspace: 'iw6o8ima302q41ln', confirm: 'acme' })).toBe(
      'Workspace root:acme is being deleted.',
    );
    expect(deleted).toHaveLength(1);
  });

  test('where the user can be asked, only the user decides', async () => {
    const deleted = deletable();
    const asking: Interaction = { ...NOBODY, canAsk: true };
    // A model that fills in confirm by itself is asked all the same.
    const args = { ...ACME, confirm: 'acme' };
    const question = await bench.round('kcp_workspace_delete', args, asking);
    if (!(question instanceof InputNeeded)) throw new Error('did not ask');
    expect(question.question).toMatchObject({
      message:
        "Delete workspace root:acme (and the 2 workspaces right below it) with everything in it? This can't be undone.",
      type: 'acme',
    });
    const answered = (answer: Interaction['answer']): Interaction => ({ ...asking, settled: question.settled, answer });
    const outcome = async (args: object, interaction: Interaction) => {
      const result = await bench.round('kcp_workspace_delete', args, interaction);
      if (result instanceof InputNeeded) return 'asked again';
      return result.content[0]?.type === 'text' ? result.content[0].text : '';
    };
    expect(await outcome(args, answered({ action: 'decline' }))).toContain('The user said no');
    expect(await outcome(args, answered({ action: 'accept', typed: 'globex' }))).toContain(
      'What the user typed is not "acme"',
    );
    // A yes to one workspace is none to another, nor one that nobody was asked for.
    const globex = { workspace: 'root:globex' };
    fake.handlers.push(({ path }) =>
      path.endsWith('/workspaces/globex') ? { body: recorded('workspace-get') } : undefined,
    );
    expect(await outcome(globex, answered({ action: 'accept', typed: 'acme' }))).toBe('asked again');
    expect(await outcome(args, { ...asking, answer: { action: 'accept', typed: 'acme' } })).toBe('asked again');
    expect(deleted).toEqual([]);
    expect(await outcome(args, answered({ action: 'accept', typed: 'acme' }))).toBe(
      'Workspace root:acme is being deleted.',
    );
    expect(deleted).toHaveLength(1);
  });

  test('the root can not be deleted', async () => {
    expect(await bench.failure('kcp_workspace_delete', { workspace: 'root', confirm: 'root' })).toContain(
      'has no Workspace object above it',
    );
    expect(urls('DELETE')).toEqual([]);
  });
});

describe('kcp_apibinding_create', () => {
  const DISCOVERY = {
    resources: [
      { name: 'apibindings', kind: 'APIBinding', namespaced: false, verbs: ['list', 'get', 'create'] },
      { name: 'apiexports', kind: 'APIExport', namespaced: false, verbs: ['list', 'get'] },
    ],
  };
  const CLAIM = { group: '', resource: 'configmaps', verbs: ['get'] };
  const args = { workspace: 'root:acme', exportPath: 'root', exportName: 'widgets.example.com' };

  function binding(status: (look: number) => object): unknown[] {
    const created: unknown[] = [];
    let looks = 0;
    fake.handlers.push(({ path, method, body }) => {
      if (path === '/apis/apis.kcp.io/v1alpha2') return { body: DISCOVERY };
      if (path.endsWith('/apiexports/widgets.example.com')) return { body: { spec: { permissionClaims: [CLAIM] } } };
      if (method === 'POST') created.push(body);
      if (method === 'POST') return { status: 201, body: { ...(body as object), status: {} } };
      return path.includes('/apibindings/') ? { body: { status: status((looks += 1)) } } : undefined;
    });
    return created;
  }

  test('waits until its resources are served', async () => {
    const created = binding((look) => ({
      phase: look < 3 ? 'Binding' : 'Bound',
      ...(look < 3 ? {} : { boundResources: [{ group: 'example.com', resource: 'widgets', storageVersions: ['v1'] }] }),
    }));
    expect(await bench.text('kcp_apibinding_create', args)).toBe(
      'APIBinding widgets.example.com in workspace root:acme is bound. Served now: widgets.example.com.',
    );
    expect(created).toEqual([
      {
        apiVersion: 'apis.kcp.io/v1alpha2',
        kind: 'APIBinding',
        metadata: { name: 'widgets.example.com' },
        spec: { reference: { export: { path: 'root', name: 'widgets.example.com' } } },
      },
    ]);
    expect(bench.progressed.map(({ message }) => message)).toEqual([
      'APIBinding widgets.example.com: Binding',
      'APIBinding widgets.example.com: Bound',
    ]);
  });

  test('claims are accepted only where that is asked for', async () => {
    const created = binding(() => ({ phase: 'Bound' }));
    await bench.text('kcp_apibinding_create', { ...args, name: 'w', acceptPermissionClaims: true });
    expect(created).toMatchObject([
      { spec: { permissionClaims: [{ ...CLAIM, state: 'Accepted', selector: { matchAll: true } }] } },
    ]);
  });

  test('what keeps it from being bound is told', async () => {
    const hasty = createBench(fake, { toolset_configs: { kcp: { request_timeout: '1s' } } });
    binding(() => ({
      phase: 'Binding',
      conditions: [
        {
          type: 'APIExportValid',
          status: 'False',
          reason: 'APIExportNotFound',
          message: 'APIExport root|widgets not found',
        },
      ],
    }));
    expect(await hasty.text('kcp_apibinding_create', args)).toContain(
      'is not bound yet (phase Binding). APIExportNotFound: APIExport root|widgets not found',
    );
    await hasty.kcp.close();
  });
});
