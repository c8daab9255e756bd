import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { SUCCESS, answerCommands, exited, notStarted } from '../../testing/fake-exec.ts';
import type { FakeCommand, FakeExec } from '../../testing/fake-exec.ts';
import { startFakeKcp, status, tokenOf } from '../../testing/fake-kcp.ts';
import type { FakeAnswer, FakeKcp, Handler } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

type Request = Parameters<Handler>[0];

let fake: FakeKcp;
let exec: FakeExec;
let bench: ToolBench;
const benches: ToolBench[] = [];
let run: (url: URL) => FakeCommand | FakeAnswer = () => ({ status: SUCCESS });

beforeAll(async () => {
  fake = await startFakeKcp();
  exec = answerCommands(fake.server, (url) => run(url));
  bench = plain();
});
afterEach(() => {
  fake.reset();
  exec.asked.length = 0;
  bench.audited.length = 0;
});
afterAll(async () => {
  await Promise.all(benches.map(({ kcp }) => kcp.close()));
  exec.stop();
  await fake.stop();
});

/** Plain Kubernetes on the fake server. */
function plain(settings: Parameters<typeof createBench>[1] = {}): ToolBench {
  const kubeconfig = fake.kubeconfig.replace('/clusters/root', '');
  const created = createBench({ kubeconfig }, { cluster_provider_strategy: 'kubeconfig', ...settings });
  benches.push(created);
  return created;
}

/** Answers requests by method and path; the rest are not found. */
function serve(answers: Readonly<Record<string, FakeAnswer | ((request: Request) => FakeAnswer)>>): Request[] {
  const received: Request[] = [];
  fake.handlers.push((request) => {
    received.push(request);
    const answer = answers[`${request.method} ${request.path}`];
    return typeof answer === 'function' ? answer(request) : (answer ?? status(404, 'not found'));
  });
  return received;
}

const PODS = '/api/v1/namespaces/shop/pods';
const running = { running: { startedAt: '2026-11-22T19:00:00Z' } };
const pod = (fields: { labels?: object; phase?: string; state?: object; restartCount?: number } = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u-1', labels: fields.labels ?? {}, managedFields: [{}] },
  spec: { initContainers: [{ name: 'setup' }], containers: [{ name: 'app' }, { name: 'proxy' }] },
  status: {
    phase: fields.phase ?? 'Running',
    containerStatuses: [{ name: 'app', state: fields.state ?? running, restartCount: fields.restartCount ?? 0 }],
  },
});
const web = { name: 'web', namespace: 'shop' };

describe('which Pod', () => {
  test('the path is that of the cluster, the audit line names the Pod', async () => {
    const seen = serve({ 'GET /api/v1/namespaces/default/pods/web': { body: pod() } });
    const shown = parse(await bench.text('pods_get', { name: 'web', namespace: '' })) as unknown;
    expect(shown).toMatchObject({ kind: 'Pod', metadata: { name: 'web' } });
    expect(shown).not.toHaveProperty('metadata.managedFields');
    expect(seen).toHaveLength(1);
    expect(Object.assign({}, ...bench.audited)).toEqual({ object: 'Pod (v1) default/web', result: 'ok' });
  });

  test('in kcp the workspace is part of it, and a workspace without Pods says why', async () => {
    const kcp = createBench(fake);
    benches.push(kcp);
    const text = await kcp.failure('pods_list', { workspace: 'root:acme:team-a' });
    expect(text).toContain("Workspace root:acme:team-a doesn't serve pods of v1 (404): kcp runs nothing itself");
    expect(fake.seen[0]?.url).toMatch(/^\/clusters\/root:acme:team-a\/api\/v1\/pods\?/);
  });

  test.each([
    ['pods_get', { name: '../x' }, 'name "../x" is not valid'],
    ['pods_get', { name: 'a', namespace: 'b/c' }, 'namespace "b/c" is not valid'],
    ['pods_log', { name: 'a', container: 'b%2f' }, 'container "b%2f" is not valid'],
    ['pods_exec', { name: 'a', command: [] }, 'command: '],
    ['pods_exec', { name: 'a', command: [''] }, 'the first item names the program'],
    ['pods_exec', { name: 'a', command: ['ls', 'a\0b'] }, 'NUL'],
    ['pods_exec', { name: 'a', command: ['x'.repeat(33_000)] }, 'longer than 32 KiB'],
    ['pods_exec', { name: 'a', command: 'ls' }, 'command: '],
    ['pods_list_in_namespace', {}, 'namespace: '],
    ['pods_run', { image: 'a b' }, 'image: must be an image reference'],
    ['pods_run', { image: 'a', name: 'Web' }, 'name: must be at most 63 lower-case letters'],
    ['pods_run', { image: 'a', name: '1a' }, 'name: must be'],
    ['pods_run', { image: 'a', port: 70000 }, 'port: '],
    ['pods_run', { image: 'a', port: 80.5 }, 'port: must be a whole number'],
    ['pods_get', { name: 'a', workspace: 'root' }, 'Unrecognized key: "workspace"'],
  ])('%s %j', async (tool, args, part) => {
    expect(await bench.failure(tool, args)).toContain(part);
    expect(fake.seen).toHaveLength(0);
  });

  test('a missing one, and a missing right, are told without a word of workspaces', async () => {
    serve({ [`GET ${PODS}/web`]: status(404, 'pods "web" not found', { name: 'web', kind: 'pods' }) });
    expect(await bench.failure('pods_get', web)).toBe(
      'There is no Pod "web" in namespace shop of this cluster (404). List what there is with resources_list.',
    );
    fake.reset();
    const forbidden = 'pods is forbidden: User "alice@example.com" cannot list resource "pods" in API group ""';
    serve({
      'GET /api/v1/pods': status(403, forbidden, { kind: 'pods' }),
      'GET /version': { body: { major: '1' } },
    });
    const text = await bench.failure('pods_list');
    expect(text).toMatch(/^alice@example.com may not list pods in this cluster \(403\)\. /);
    expect(text).not.toMatch(/workspace|kcp/i);
  });
});

describe('pods_list', () => {
  test('all namespaces, or one, with both selectors', async () => {
    serve({});
    await bench.call('pods_list', { labelSelector: 'a=b', fieldSelector: 'status.phase=Running', limit: 5 });
    await bench.call('pods_list_in_namespace', { namespace: 'shop', labelSelector: 'a=b' });
    expect(fake.seen.map(({ url }) => url)).toEqual([
      '/api/v1/pods?limit=5&labelSelector=a%3Db&fieldSelector=status.phase%3DRunning&includeObject=Metadata',
      '/api/v1/namespaces/shop/pods?limit=100&labelSelector=a%3Db&includeObject=None',
    ]);
  });

  test('none', async () => {
    serve({ [`GET ${PODS}`]: { body: { kind: 'PodList', metadata: {}, items: [] } } });
    expect(await bench.text('pods_list_in_namespace', { namespace: 'shop' })).toBe(
      'There are no objects of kind Pod in namespace shop of this cluster.',
    );
  });
});

describe('pods_log', () => {
  const LOG = `GET ${PODS}/web/log`;
  const logs = (answer: FakeAnswer | ((request: Request) => FakeAnswer), of = pod()) =>
    serve({ [`GET ${PODS}/web`]: { body: of }, [LOG]: answer });
  const query = () => fake.seen.at(-1)?.url.split('?')[1];

  test('the last 100 lines of the container that is meant; the answer names it and the others', async () => {
    logs({ body: 'one\ntwo\n' });
    expect(await bench.text('pods_log', web)).toBe(
      '[container app of Pod shop/web: the last 100 lines at most; other containers: proxy, setup (init)]\none\ntwo',
    );
    expect(query()).toBe('container=app&tailLines=100');
  });

  test('all that can be asked for', async () => {
    logs({ body: 'x\n' });
    const args = { ...web, container: 'setup', tail: 1, previous: true, sinceSeconds: 60, timestamps: true };
    expect(await bench.text('pods_log', args)).toContain(
      '[earlier run of container setup of Pod shop/web: the last 1 line',
    );
    expect(query()).toBe('container=setup&tailLines=1&previous=true&sinceSeconds=60&timestamps=true');
  });

  test('more lines than can be shown are not asked for; 0 is the default', async () => {
    logs({ body: 'x\n' });
    await bench.text('pods_log', { ...web, tail: 10_000_000 });
    expect(query()).toContain(`tailLines=${MAX_TEXT_BYTES}`);
    await bench.text('pods_log', { ...web, tail: 0 });
    expect(query()).toContain('tailLines=100');
  });

  test('a long log: the newest lines, whole, and that others were left out', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`);
    logs({ body: `${lines.join('\n')}\n` });
    const text = await bench.text('pods_log', { ...web, tail: 5000 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    const [, note, first, ...rest] = text.split('\n');
    expect(note).toMatch(/^\[cut: only the last \d+ KiB are shown\]$/);
    expect(first).toMatch(/^line \d+ x{40}$/);
    expect(rest.at(-1)).toBe(lines.at(-1));
  });

  test('colours and what could hide text are taken out', async () => {
    logs({ body: '\u001b[31mred\u001b[0m \u202egnitteg\r\nnext\n' });
    expect((await bench.text('pods_log', web)).split('\n').slice(1)).toEqual(['red gnitteg', 'next']);
  });

  test('nothing logged', async () => {
    logs({ body: '' });
    expect(await bench.text('pods_log', web)).toBe(
      'Nothing was logged by the container app of Pod shop/web; other containers: proxy, setup (init).',
    );
    expect(await bench.text('pods_log', { ...web, sinceSeconds: 5 })).toContain('web in the last 5 s;');
    expect(await bench.text('pods_log', { ...web, container: 'setup' })).toContain(
      'container setup of Pod shop/web (not started);',
    );
  });

  test('an unknown container: those that there are, and no request for a log', async () => {
    logs({ body: 'x' });
    expect(await bench.failure('pods_log', { ...web, container: 'nope' })).toContain(
      'It has: app, proxy, setup (init).',
    );
    expect(fake.seen).toHaveLength(1);
  });

  test.each([
    [
      'previous terminated container "app" in pod "web" not found',
      {},
      'Container app of Pod shop/web has no log of an earlier run: it was never restarted. Leave out previous.',
    ],
    [
      'previous terminated container "app" in pod "web" not found',
      { restartCount: 2 },
      'Container app of Pod shop/web has no log of an earlier run: its log is gone. Leave out previous.',
    ],
    [
      'container "app" in pod "web" is waiting to start: trying and failing to pull image',
      { state: { waiting: { reason: 'ImagePullBackOff' } } },
      'Container app of Pod shop/web has no log yet (waiting: ImagePullBackOff). events_list with fieldSelector involvedObject.name=web may say why.',
    ],
    [
      'pod web does not have a host assigned',
      { state: {} },
      'Container app of Pod shop/web has no log yet (not started). events_list with fieldSelector involvedObject.name=web may say why.',
    ],
  ])('%s', async (message, fields, shown) => {
    logs(status(400, message), pod(fields));
    expect(await bench.failure('pods_log', { ...web, previous: true })).toBe(shown);
  });

  test('who may read logs but not Pods can name the container', async () => {
    serve({ [`GET ${PODS}/web`]: status(403, 'pods "web" is forbidden'), [LOG]: { body: 'x\n' } });
    expect(await bench.text('pods_log', { ...web, container: 'app' })).toContain('\nx');
    expect(await bench.failure('pods_log', web)).toContain('(403)');
  });
});

describe('pods_exec', () => {
  const execute = (args: object = {}) => ({ ...web, command: ['sh', '-c', 'echo a & b'], ...args });
  const serving = (of = pod()) => serve({ [`GET ${PODS}/web`]: { body: of } });

  test('exit code, stdout and stderr; the command goes as it is', async () => {
    serving();
    run = () => ({ stdout: 'out\n', stderr: 'err\n', status: exited(3) });
    expect(await bench.text('pods_exec', execute())).toBe(
      '[container app of Pod shop/web: exit code 3; other containers: proxy, setup (init)]\nstdout:\nout\nstderr:\nerr',
    );
    expect(exec.asked).toEqual([
      `${PODS}/web/exec?container=app&command=sh&command=-c&command=echo+a+%26+b&stdout=true&stderr=true`,
    ]);
    expect(JSON.stringify(bench.audited)).not.toContain('echo');
  });

  test('nothing written', async () => {
    serving();
    run = () => ({ status: SUCCESS });
    expect(await bench.text('pods_exec', execute({ container: 'app' }))).toMatch(
      /: exit code 0; .*\nIt wrote nothing\.$/,
    );
  });

  test('of much output the beginning of each stream, and that it was cut', async () => {
    serving();
    run = () => ({ stdout: 'o'.repeat(100_000), stderr: 'e'.repeat(100_000), status: SUCCESS });
    const text = await bench.text('pods_exec', execute());
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toContain(`stdout:\n${'o'.repeat(30_720)}\nstderr:\n${'e'.repeat(30_720)}\n[cut: `);
  });

  test('a command without end is left in time, with what it wrote', async () => {
    serving();
    run = () => ({ stdout: 'tick\n' });
    const hasty = plain({ toolset_configs: { kcp: { request_timeout: '3s' } } });
    const text = await hasty.text('pods_exec', execute());
    expect(text).toContain('no end within 1.5 s, so it was left; it may still be running');
    expect(text).toContain('stdout:\ntick');
  });

  test('a program that the image does not have', async () => {
    serving();
    run = () => ({ status: notStarted('exec: "sh": executable file not found in $PATH: unknown') });
    const text = await bench.failure('pods_exec', execute());
    expect(text).toContain('was not run to its end in container app of Pod shop/web: Internal error occurred:');
    expect(text).toContain('The image doesn\'t have "sh": many images have no shell and no tools.');
  });

  test.each(['Succeeded', 'Failed'])('a Pod that is completed: %s', async (phase) => {
    serving(pod({ phase }));
    expect(await bench.failure('pods_exec', execute())).toBe(
      `Pod shop/web is completed (phase ${phase}): nothing can be run in it any more. pods_log shows what it wrote.`,
    );
    expect(exec.asked).toEqual([]);
  });

  test('a container that does not run', async () => {
    serving(pod({ state: { waiting: { reason: 'CrashLoopBackOff' } } }));
    expect(await bench.failure('pods_exec', execute())).toBe(
      "Container app of Pod shop/web isn't running (waiting: CrashLoopBackOff); other containers: proxy, setup (init).",
    );
    expect(exec.asked).toEqual([]);
  });

  test('a refusal says which right is missing, and no token', async () => {
    const message =
      'pods "web" is forbidden: User "alice@example.com" cannot create resource "pods/exec" in API group ""';
    serve({ [`GET ${PODS}/web`]: { body: pod() }, 'GET /version': { body: { major: '1' } } });
    run = () => status(403, message);
    const text = await bench.failure('pods_exec', execute());
    expect(text).toContain('alice@example.com may not create pods/exec "web" in namespace shop of this cluster (403)');
    expect(text).not.toContain(tokenOf('alice'));
  });
});

describe('pods_run', () => {
  const created = (request: Request) => ({ status: 201, body: request.body });

  test('a Pod with a made-up name', async () => {
    const seen = serve({ 'POST /api/v1/namespaces/default/pods': created });
    const text = await bench.text('pods_run', { image: 'nginx' });
    expect(text).toMatch(/^# The following resources \(YAML\) have been created\n- apiVersion: v1\n/);
    const [made] = parse(text) as { metadata: { name: string } }[];
    const name = made?.metadata.name ?? '';
    expect(name).toMatch(/^kcp-mcp-run-[a-z0-9]{5}$/);
    expect(made).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'default',
        labels: {
          'app.kubernetes.io/name': name,
          'app.kubernetes.io/component': name,
          'app.kubernetes.io/managed-by': 'kcp-mcp',
          'app.kubernetes.io/part-of': 'kcp-mcp-run-sandbox',
        },
      },
      spec: { containers: [{ name, image: 'nginx' }] },
    });
    expect(seen.map(({ query }) => query.toString())).toEqual(['fieldManager=kcp-mcp']);
  });

  test('with a port a Service, which is tried before anything is made', async () => {
    const seen = serve({ [`POST ${PODS}`]: created, 'POST /api/v1/namespaces/shop/services': created });
    const manager = plain({ toolset_configs: { kcp: { field_manager: 'me' } } });
    const made = parse(await manager.text('pods_run', { ...web, image: 'nginx', port: 80 })) as object[];
    const labels = { 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/managed-by': 'kcp-mcp' };
    expect(made).toMatchObject([
      { kind: 'Pod', spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] } },
      {
        kind: 'Service',
        metadata: { name: 'web', namespace: 'shop', labels },
        spec: { type: 'ClusterIP', selector: labels, ports: [{ port: 80, targetPort: 80 }] },
      },
    ]);
    expect(seen.map(({ path, query }) => `${path.split('/').at(-1) ?? ''} ${query.toString()}`)).toEqual([
      'services fieldManager=me&dryRun=All',
      'pods fieldManager=me',
      'services fieldManager=me',
    ]);
  });

  test('warnings of the API server are passed on', async () => {
    const warning = '299 - "would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation"';
    serve({ [`POST ${PODS}`]: (request) => ({ ...created(request), headers: { warning } }) });
    const text = await bench.text('pods_run', { ...web, image: 'nginx' });
    expect(text).toContain('\n# Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation\n');
    expect(parse(text)).toHaveLength(1);
  });

  test('a Service that would be refused keeps the Pod from being made', async () => {
    const seen = serve({
      [`POST ${PODS}`]: created,
      'POST /api/v1/namespaces/shop/services': status(409, 'services "web" already exists', { name: 'web' }),
    });
    const text = await bench.failure('pods_run', { ...web, image: 'nginx', port: 80 });
    expect(text).toContain('services "web" already exists');
    expect(seen.some(({ path }) => path === PODS)).toBe(false);
  });

  test('a Service that is refused all the same: the answer says what is there', async () => {
    serve({
      [`POST ${PODS}`]: created,
      'POST /api/v1/namespaces/shop/services': (request) =>
        request.query.has('dryRun') ? created(request) : status(500, 'no address left'),
    });
    const text = await bench.failure('pods_run', { ...web, image: 'nginx', port: 80 });
    expect(text).toContain('Pod shop/web was created. pods_delete removes it.');
    expect(text).toContain('no address left');
  });

  test('denied Services switch it off', async () => {
    const denied = plain({ denied_resources: [{ kind: 'Service' }] });
    expect(await denied.failure('pods_run', { image: 'nginx' })).toContain('denied_resources');
    expect(fake.seen).toHaveLength(0);
  });
});

describe('pods_delete', () => {
  const labels = {
    'app.kubernetes.io/name': 'web',
    'app.kubernetes.io/managed-by': 'kcp-mcp',
    'app.kubernetes.io/part-of': 'kcp-mcp-run-sandbox',
  };
  const SERVICES = '/api/v1/namespaces/shop/services';
  const service = { metadata: { name: 'web', uid: 'u-2' } };
  const going = { body: { ...pod(), metadata: { ...pod().metadata, deletionGracePeriodSeconds: 30 } } };
  const deletions = (seen: readonly Request[]) => seen.filter(({ method }) => method === 'DELETE');

  test('that very Pod, with the time that it has', async () => {
    const seen = serve({ [`GET ${PODS}/web`]: { body: pod() }, [`DELETE ${PODS}/web`]: going });
    expect(await bench.text('pods_delete', web)).toBe(
      'Pod shop/web is being deleted: its containers have 30 s to stop.',
    );
    expect(deletions(seen).map(({ body }) => body)).toEqual([{ preconditions: { uid: 'u-1' } }]);
    expect(seen).toHaveLength(2);
  });

  test('at once', async () => {
    const seen = serve({ [`GET ${PODS}/web`]: { body: pod() }, [`DELETE ${PODS}/web`]: { body: pod() } });
    expect(await bench.text('pods_delete', { ...web, gracePeriodSeconds: 0 })).toBe('Pod shop/web is deleted.');
    expect(deletions(seen)[0]?.body).toMatchObject({ gracePeriodSeconds: 0 });
  });

  test('what pods_run made loses its Service, too', async () => {
    const seen = serve({
      [`GET ${PODS}/web`]: { body: pod({ labels }) },
      [`DELETE ${PODS}/web`]: going,
      [`GET ${SERVICES}`]: { body: { items: [service] } },
      [`DELETE ${SERVICES}/web`]: { body: { status: 'Success' } },
    });
    expect(await bench.text('pods_delete', web)).toMatch(/s to stop\.\nService shop\/web is deleted, too\.$/);
    expect(seen.find(({ path }) => path === SERVICES)?.query.get('labelSelector')).toBe(
      'app.kubernetes.io/name=web,app.kubernetes.io/managed-by=kcp-mcp,app.kubernetes.io/part-of=kcp-mcp-run-sandbox',
    );
    expect(deletions(seen).map(({ path, body }) => [path, (body as { preconditions: unknown }).preconditions])).toEqual([
      [`${PODS}/web`, { uid: 'u-1' }],
      [`${SERVICES}/web`, { uid: 'u-2' }],
    ]); // prettier-ignore
  });

  test('what cannot be done about the Service is said; the Pod goes', async () => {
    const answers = { [`GET ${PODS}/web`]: { body: pod({ labels }) }, [`DELETE ${PODS}/web`]: going };
    serve({ ...answers, [`GET ${SERVICES}`]: status(403, 'services is forbidden') });
    expect(await bench.text('pods_delete', web)).toContain(
      '\nWhether a Service is left of it could not be found out: services is forbidden',
    );
    fake.reset();
    serve({
      ...answers,
      [`GET ${SERVICES}`]: { body: { items: [service] } },
      [`DELETE ${SERVICES}/web`]: status(403, 'services "web" is forbidden'),
    });
    expect(await bench.text('pods_delete', web)).toContain(
      '\nService shop/web could not be deleted: services "web" is forbidden',
    );
    fake.reset();
    serve(answers);
    const denied = plain({ denied_resources: [{ kind: 'Service' }] });
    expect(await denied.text('pods_delete', web)).toContain('Its Service, if it has one, is left. ');
    expect(fake.seen.some(({ url }) => url.includes('services'))).toBe(false);
  });

  test('disable_destructive', async () => {
    const careful = plain({ disable_destructive: true });
    expect(await careful.failure('pods_delete', web)).toContain('disable_destructive');
    expect(await careful.failure('pods_exec', { ...web, command: ['ls'] })).toContain('disable_destructive');
    expect(fake.seen).toHaveLength(0);
  });
});
