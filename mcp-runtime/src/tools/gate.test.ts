import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InputNeeded, NOBODY } from '../interaction.ts';
import type { Interaction } from '../interaction.ts';
import { startFakeKcp } from '../testing/fake-kcp.ts';
import type { FakeKcp } from '../testing/fake-kcp.ts';
import { createBench } from '../testing/toolset.ts';
import type { ToolBench } from '../testing/toolset.ts';

// What stands between tools and the cluster: confirmation rules and the check of rights.

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

function bench(settings: Parameters<typeof createBench>[1]): ToolBench {
  const created = createBench(fake, settings);
  benches.push(created);
  return created;
}

/** Takes every apply and delete; answers that nothing was there before. @returns what was done */
function world(): string[] {
  const done: string[] = [];
  fake.handlers.push(({ workspace, path, method, body }) => {
    if (method !== 'PATCH' && method !== 'DELETE') return undefined;
    done.push(`${method} ${workspace}${path}`);
    return { body: method === 'PATCH' ? body : { kind: 'Status', status: 'Success' } };
  });
  return done;
}

const manifest = (kind: string, name: string, namespace = 'default') =>
  JSON.stringify({ apiVersion: 'v1', kind, metadata: { name, namespace } });
const TEAM_A = { workspace: 'root:acme:team-a' };
const ASKING: Interaction = { ...NOBODY, canAsk: true };

/** Plays the rounds of a call, answering each question as told; the questions and the last text. */
async function play(
  { round }: ToolBench,
  tool: string,
  args: object,
  answer: (message: string) => boolean,
): Promise<{ questions: string[]; text: string }> {
  const questions: string[] = [];
  let interaction = ASKING;
  for (;;) {
    const result = await round(tool, args, interaction);
    if (!(result instanceof InputNeeded)) {
      const [content] = result.content;
      return { questions, text: content?.type === 'text' ? content.text : '' };
    }
    const { message } = result.question;
    questions.push(message);
    const action = answer(message)
      ? ({ action: 'accept', typed: undefined } as const)
      : ({ action: 'decline' } as const);
    interaction = { canAsk: true, settled: result.settled, answer: action };
  }
}
const yes = () => true;

describe('confirmation_rules', () => {
  const secrets = { confirmation_rules: [{ verb: 'patch' as const, kind: 'Secret', message: 'Writing a Secret.' }] };

  test('a request that a rule matches is made after a yes, and not after a no', async () => {
    const done = world();
    const tools = bench(secrets);
    const args = { ...TEAM_A, resource: manifest('Secret', 'db') };
    const no = await play(tools, 'resources_create_or_update', args, () => false);
    expect(no.questions).toEqual([
      'Writing a Secret.\npatch secrets "db" in namespace default of workspace root:acme:team-a',
    ]);
    expect(no.text).toBe('The user said no: nothing was changed.');
    expect(done).toEqual([]);
    expect((await play(tools, 'resources_create_or_update', args, yes)).text).toContain('created');
    expect(done).toHaveLength(1);
    expect(tools.audited).toContainEqual({ confirmation: 'given' });
  });

  test('what no rule matches is not asked about', async () => {
    const done = world();
    const { questions } = await play(
      bench(secrets),
      'resources_create_or_update',
      { ...TEAM_A, resource: manifest('ConfigMap', 'a') },
      yes,
    );
    expect(questions).toEqual([]);
    expect(done).toHaveLength(1);
  });

  test('all objects of a call are asked about at once, before the first is written', async () => {
    const done = world();
    const resource = [manifest('ConfigMap', 'a'), manifest('Secret', 'one'), manifest('Secret', 'two')].join('\n---\n');
    const { questions } = await play(
      bench(secrets),
      'resources_create_or_update',
      { ...TEAM_A, resource },
      (message) => {
        expect(done).toEqual([]);
        return message.includes('"one"') && message.includes('"two"');
      },
    );
    expect(questions).toHaveLength(1);
    expect(done).toHaveLength(3);
  });

  test('nor is one left half done for what is read on the way', async () => {
    const done = world();
    const rules = [{ verb: 'get' as const, kind: 'Secret', message: 'Reading a Secret.' }];
    const resource = [manifest('ConfigMap', 'a'), manifest('Secret', 'one'), manifest('Secret', 'two')].join('\n---\n');
    const args = { ...TEAM_A, resource };
    const { questions, text } = await play(
      bench({ confirmation_rules: rules }),
      'resources_create_or_update',
      args,
      () => done.length === 0,
    );
    expect(questions).toHaveLength(1);
    expect(text.match(/created/g)).toHaveLength(3);
    expect(done).toHaveLength(3);
  });

  test('of a call that waits for what it made, before it is made', async () => {
    const made: string[] = [];
    fake.handlers.push(({ method, path, body }) => {
      if (!path.startsWith('/apis/tenancy.kcp.io/v1alpha1/workspaces')) return undefined;
      if (method === 'POST') made.push(path);
      else if (!path.endsWith('/mine')) return undefined;
      return { body: { ...(body as object), metadata: { name: 'mine' }, status: { phase: 'Ready' } } };
    });
    fake.handlers.push(({ path }) => (path === '/version' ? { body: {} } : undefined));
    const rules = [{ verb: 'get' as const, kind: 'Workspace', message: 'Looking.' }];
    const tools = bench({ confirmation_rules: rules });
    const args = { workspace: 'root:acme', name: 'mine' };
    const { questions, text } = await play(tools, 'kcp_workspace_create', args, () => made.length === 0);
    expect(questions).toHaveLength(1);
    expect(text).toContain('root:acme:mine');
    expect(made).toHaveLength(1);
  });

  test('of a search through many workspaces, once', async () => {
    const rules = [{ verb: 'list' as const, kind: 'Namespace', message: 'Listing.' }];
    const tools = bench({ confirmation_rules: rules });
    const { questions, text } = await play(tools, 'kcp_find', { apiVersion: 'v1', kind: 'Namespace' }, yes);
    expect(questions).toHaveLength(1);
    expect(questions[0]).toContain('workspace root:acme:team-a');
    expect(text).toContain('Searched 3 of 3 workspaces');
  });

  test('rules about tools, by name or because they are destructive', async () => {
    const done = world();
    const target = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'a' };
    const rules = [
      { destructive: true, message: 'This can do harm.' },
      { tool: 'resources_delete', message: 'Deleting.' },
    ];
    const { questions } = await play(bench({ confirmation_rules: rules }), 'resources_delete', target, yes);
    expect(questions).toEqual([
      'Confirmation required:\n- This can do harm.\n- Deleting.\nresources_delete(workspace: root:acme:team-a, apiVersion: v1, kind: ConfigMap, name: a)',
    ]);
    expect(done).toHaveLength(1);
    const reading = await play(bench({ confirmation_rules: rules }), 'namespaces_list', TEAM_A, yes);
    expect(reading.questions).toEqual([]);
  });

  test('rules about the tool and about its request are asked in rounds of their own', async () => {
    const done = world();
    const rules = [
      { tool: 'resources_delete', message: 'Deleting.' },
      { verb: 'delete' as const, namespace: 'prod', message: 'In production!' },
    ];
    const target = { ...TEAM_A, apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'prod' };
    const { questions } = await play(bench({ confirmation_rules: rules }), 'resources_delete', target, yes);
    expect(questions.map((message) => message.split('\n')[0])).toEqual(['Deleting.', 'In production!']);
    expect(done).toHaveLength(1);
  });

  test.each([
    ['deny', 0, "this client can't ask for it: Writing a Secret."],
    ['allow', 1, 'created'],
  ] as const)('where nobody can be asked, confirmation_fallback %s decides', async (fallback, count, part) => {
    const done = world();
    const tools = bench({ ...secrets, confirmation_fallback: fallback });
    const { content } = await tools.call('resources_create_or_update', {
      ...TEAM_A,
      resource: manifest('Secret', 'db'),
    });
    expect(content[0]).toMatchObject({ text: expect.stringContaining(part) as unknown });
    expect(done).toHaveLength(count);
    if (fallback === 'allow') expect(tools.audited).toContainEqual({ confirmation: 'not asked: the client cannot' });
  });
});

describe('validation_enabled', () => {
  test('rights are asked for before anything is tried, once for each action', async () => {
    const done = world();
    const asked: unknown[] = [];
    fake.handlers.unshift(({ path, body }) => {
      if (!path.endsWith('/selfsubjectaccessreviews')) return undefined;
      const { resourceAttributes } = (body as { spec: { resourceAttributes: { verb: string } } }).spec;
      asked.push(resourceAttributes);
      const allowed = resourceAttributes.verb !== 'delete';
      return { status: 201, body: { status: { allowed, ...(!allowed && { reason: 'no RBAC policy matched' }) } } };
    });
    const tools = bench({ validation_enabled: true });
    await tools.text('resources_create_or_update', { ...TEAM_A, resource: manifest('Secret', 'db') });
    expect(asked).toEqual([
      { verb: 'patch', group: '', version: 'v1', resource: 'secrets', namespace: 'default', name: 'db' },
      { verb: 'get', group: '', version: 'v1', resource: 'secrets', namespace: 'default', name: 'db' },
    ]);
    expect(done).toHaveLength(1);
    const target = { ...TEAM_A, apiVersion: 'v1', kind: 'Secret', name: 'db' };
    expect(await tools.failure('resources_delete', target)).toBe(
      'Validation Error [PERMISSION_DENIED]: alice@example.com may not delete secrets "db" in namespace default of workspace root:acme:team-a: no RBAC policy matched. It was not tried.',
    );
    expect(done).toHaveLength(1);
  });

  /** Has the API server say no to what `refused` picks. */
  function permitAllBut(refused: (attributes: Record<string, string>, workspace: string) => boolean): void {
    fake.handlers.unshift(({ path, body, workspace }) => {
      if (!path.endsWith('/selfsubjectaccessreviews')) return undefined;
      const { resourceAttributes } = (body as { spec: { resourceAttributes: Record<string, string> } }).spec;
      return { status: 201, body: { status: { allowed: !refused(resourceAttributes, workspace) } } };
    });
  }

  test('what can be done with less is done with less, as where kcp itself refuses', async () => {
    const done = world();
    const tools = bench({ validation_enabled: true });
    permitAllBut(({ verb, resource }, workspace) =>
      verb === 'list' ? workspace === 'root:acme' : verb === 'get' && resource !== 'workspaces',
    );
    const found = await tools.text('kcp_find', { apiVersion: 'v1', kind: 'Namespace' });
    expect(found).toContain('Searched 2 of 3 workspaces');
    expect(found).toMatch(/- root:acme: 403: Validation Error/);
    expect(await tools.text('kcp_workspace_describe', { workspace: 'root:acme' })).toMatch(
      /LogicalCluster object inside: .*PERMISSION_DENIED/,
    );
    const applied = await tools.text('resources_create_or_update', { ...TEAM_A, resource: manifest('Secret', 'db') });
    expect(applied).toContain('what it was before may not be seen');
    expect(done).toHaveLength(1);
  });

  test('what waits for a thing that may not be seen is refused before it is made', async () => {
    const tools = bench({ validation_enabled: true });
    permitAllBut(({ verb }) => verb === 'get');
    const text = await tools.failure('kcp_workspace_create', { workspace: 'root:acme', name: 'mine' });
    expect(text).toContain('may not get');
    expect(fake.seen.filter(({ method, url }) => method === 'POST' && url.includes('/workspaces'))).toEqual([]);
  });

  test('an API server that does not answer the question does not stop the call', async () => {
    fake.handlers.push(({ path }) =>
      path.endsWith('/selfsubjectaccessreviews') ? { status: 500, body: {} } : undefined,
    );
    expect(await bench({ validation_enabled: true }).text('namespaces_list', TEAM_A)).toContain('default');
  });
});

describe('denied_resources', () => {
  test('leave a description its other parts', async () => {
    const denied = { denied_resources: [{ group: 'apis.kcp.io', version: '', kind: 'APIBinding' }] };
    const kinds = { resources: [{ name: 'apibindings', kind: 'APIBinding', namespaced: false, verbs: ['list'] }] };
    fake.handlers.push(({ path }) => (path === '/apis/apis.kcp.io/v1alpha2' ? { body: kinds } : undefined));
    const text = await bench(denied).text('kcp_workspace_describe', { workspace: 'root:acme' });
    expect(text).toContain('enterable: yes');
    expect(text).toMatch(/APIBindings: .*denied_resources/);
  });

  test.each(['authentication.k8s.io', 'authorization.k8s.io'])('take away what needs %s', (group) => {
    const names = (settings: Parameters<typeof createBench>[1]) =>
      bench(settings)
        .toolset.list()
        .map(({ name }) => name);
    const gone = names({}).filter(
      (name) => !names({ denied_resources: [{ group, version: '', kind: '' }] }).includes(name),
    );
    expect(gone).toEqual([group === 'authentication.k8s.io' ? 'kcp_whoami' : 'kcp_access_check']);
  });
});

describe('tool_overrides', () => {
  test('replace what clients are told of a tool', () => {
    const { toolset } = bench({ tool_overrides: { namespaces_list: { description: 'Ask me first.' }, helm_list: {} } });
    const found = toolset.list().find(({ name }) => name === 'namespaces_list');
    expect(found?.description).toBe('Ask me first.');
  });
});
