import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { recorded, startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

// Tools of kcp's that ask one question and answer it.

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

const structured = async (tool: string, args: object, user?: string) =>
  (await bench.call(tool, args, user)).structuredContent as Record<string, unknown>;

describe('kcp_whoami', () => {
  test('user and groups as kcp sees them, and the token', async () => {
    expect(await structured('kcp_whoami', {})).toEqual({
      user: 'alice@example.com',
      groups: ['devs', 'system:authenticated'],
      askedIn: 'root',
      token: {
        issuer: 'https://issuer.test',
        subject: 'alice',
        scopes: [],
        expires: '2096-10-02T07:06:40.000Z',
        expiresInSeconds: expect.any(Number) as unknown,
      },
    });
  });

  test('is asked where the caller may enter, if not in the default workspace', async () => {
    // The walk finds nothing below a closed root; the default workspace is another one here.
    const below = createBench(fake, { cluster_provider_configs: { kcp: { default_workspace: 'root:acme' } } });
    fake.handlers.push(({ workspace, path }) =>
      workspace === 'root:acme' && path.endsWith('/selfsubjectreviews') ? status(403, 'no') : undefined,
    );
    const { structuredContent } = await below.call('kcp_whoami');
    expect(structuredContent).toMatchObject({ user: 'alice@example.com', askedIn: 'root:acme:team-a' });
    await below.kcp.close();
  });

  test('who may enter nothing learns the name from the refusal', async () => {
    expect(await structured('kcp_whoami', {}, 'nobody')).toMatchObject({
      user: 'nobody@example.com',
      note: expect.stringContaining('no workspace was found') as unknown,
    });
  });
});

describe('kcp_access_check', () => {
  /** What kcp was asked. */
  function answer(verdict: object): unknown[] {
    const asked: unknown[] = [];
    fake.handlers.push(({ path, body }) => {
      if (!path.endsWith('/selfsubjectaccessreviews')) return undefined;
      asked.push((body as { spec: unknown }).spec);
      return { status: 201, body: { kind: 'SelfSubjectAccessReview', status: verdict } };
    });
    return asked;
  }

  test('yes, and why', async () => {
    const asked = answer({ allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "editors"' });
    const args = { workspace: 'root:acme', verb: 'get', resource: 'configmaps', namespace: 'default', name: 'a' };
    expect(await bench.text('kcp_access_check', args)).toBe(
      'Yes: alice@example.com may get configmaps "a" in namespace default of workspace root:acme. Why: RBAC: allowed by ClusterRoleBinding "editors".',
    );
    expect(asked).toEqual([
      { resourceAttributes: { verb: 'get', group: '', resource: 'configmaps', namespace: 'default', name: 'a' } },
    ]);
  });

  test('no, also where kcp gives no reason', async () => {
    answer({ allowed: false });
    expect(await structured('kcp_access_check', { verb: 'delete', resource: 'secrets' })).toMatchObject({
      allowed: false,
      reason: 'no rule of the workspace allows it',
    });
  });

  test.each([
    ['a kind', 'ConfigMap', { group: '', resource: 'configmaps' }],
    ['a short name', 'cm', { group: '', resource: 'configmaps' }],
    ['resource and group', 'workspaces.tenancy.kcp.io', { group: 'tenancy.kcp.io', resource: 'workspaces' }],
    ['a subresource', 'configmaps/status', { group: '', resource: 'configmaps', subresource: 'status' }],
    ['everything', '*', { group: '*', resource: '*' }],
  ])('%s', async (_, resource, attributes) => {
    const asked = answer({ allowed: true });
    await bench.text('kcp_access_check', { verb: 'list', resource });
    expect(asked).toEqual([{ resourceAttributes: { verb: 'list', ...attributes } }]);
  });

  test('a path that is no resource', async () => {
    const asked = answer({ allowed: true });
    await bench.text('kcp_access_check', { verb: 'access', resource: '/' });
    expect(asked).toEqual([{ nonResourceAttributes: { path: '/', verb: 'access' } }]);
  });

  test('a closed workspace is no, without asking further', async () => {
    expect(
      await structured('kcp_access_check', { workspace: 'root:globex', verb: 'get', resource: 'configmaps' }),
    ).toMatchObject({ allowed: false, reason: expect.stringContaining('does not let this user into') as unknown });
  });

  test('a resource that is not served is told with the nearest', async () => {
    expect(await bench.failure('kcp_access_check', { verb: 'get', resource: 'configmap-s' })).toContain(
      'Did you mean configmaps',
    );
  });
});

describe('kcp_api_resources_list', () => {
  test('core from aggregated discovery, other groups one by one', async () => {
    const text = await bench.text('kcp_api_resources_list', { limit: 500 });
    expect(text).toMatch(/^NAME +SHORT +APIVERSION +NAMESPACED +KIND +VERBS\nconfigmaps +cm +v1 +true +ConfigMap +/);
    expect(text).toMatch(/^workspaces +ws +tenancy\.kcp\.io\/v1alpha1 +false +Workspace +/m);
    // The recording's group list names groups that the fake doesn't serve.
    expect(text).toContain('Could not ask for rbac.authorization.k8s.io/v1: 404');
  });

  test('filters and pages', async () => {
    const names = (text: string) => [...text.matchAll(/^([a-z]+) /gm)].map(([, name]) => name);
    expect(names(await bench.text('kcp_api_resources_list', { apiGroup: 'tenancy.kcp.io' }))).toEqual(['workspaces']);
    const all = names(await bench.text('kcp_api_resources_list', { limit: 500, apiGroup: '' }));
    const seen: (string | undefined)[] = [];
    let next: string | undefined;
    do {
      const text: string = await bench.text('kcp_api_resources_list', { limit: 3, apiGroup: '', continue: next });
      seen.push(...names(text));
      next = /continue: "([^"]+)"/.exec(text)?.[1];
    } while (next !== undefined);
    expect(seen).toEqual(all);
    const namespaced = names(
      await bench.text('kcp_api_resources_list', { limit: 500, apiGroup: '', namespaced: false }),
    );
    expect(namespaced).toContain('namespaces');
    expect(namespaced).not.toContain('configmaps');
  });
});

describe('lists of kcp’s own kinds', () => {
  function serve(collection: string, recording: string): void {
    fake.handlers.push(({ path }) => {
      if (path === `/apis/apis.kcp.io/v1alpha2`) return { body: DISCOVERY };
      return path.endsWith(collection) ? { body: recorded(recording) } : undefined;
    });
  }
  const DISCOVERY = {
    resources: [
      { name: 'apibindings', kind: 'APIBinding', namespaced: false, verbs: ['list', 'get', 'create'] },
      { name: 'apiexports', kind: 'APIExport', namespaced: false, verbs: ['list', 'get'] },
    ],
  };

  test('APIBindings: what is bound from where', async () => {
    serve('/apibindings', 'apibindings');
    expect(await bench.text('kcp_apibindings_list', { workspace: 'root:acme' })).toMatch(
      /^NAME +EXPORT +PHASE +RESOURCES +AGE\ntenancy\.kcp\.io-2sp1o +root\/tenancy\.kcp\.io +Bound +workspaceauthenticationconfigurations\.tenancy\.kcp\.io, /,
    );
  });

  test('APIExports: what can be bound', async () => {
    serve('/apiexports', 'apiexports-root');
    expect(await bench.text('kcp_apiexports_list')).toMatch(
      /^NAME +RESOURCES +CLAIMS +AGE\ncache\.kcp\.io +clustercachedresourceendpointslices\.cache\.kcp\.io, /,
    );
  });

  test('WorkspaceTypes: what workspaces can be made of', async () => {
    serve('/workspacetypes', 'workspacetypes-root');
    expect(await bench.text('kcp_workspace_types_list')).toMatch(
      /^NAME +TYPE +EXTENDS +CHILDREN +PARENTS +AGE\nhome +root:home +root:universal +-/,
    );
    expect(await bench.text('kcp_workspace_types_list', { output: 'yaml' })).toContain('kind: WorkspaceType');
  });

  test('the logical cluster', async () => {
    const text = await bench.text('kcp_logicalcluster_get', { workspace: 'root:acme' });
    expect(text).toContain('kind: LogicalCluster');
    expect(text).not.toContain('managedFields');
  });
});
