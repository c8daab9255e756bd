// The runtime on plain Kubernetes (cluster_provider_strategy = "kubeconfig"): here the cluster that the operator runs in, its real
// node, kubelet and containers. alice and bob sign in at the issuer as everywhere.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { pauseImage } from '../cluster/node-config.ts';
import { waitFor } from '../lib/wait.ts';
import { connectMcp } from '../oidc/connect.ts';
import type { McpClient } from '../oidc/connect.ts';
import { IDLE, namespace, preparePods, removePods, startPlainRuntime } from './plain-cluster.ts';
import type { PlainRuntime } from './plain-cluster.ts';
import { host, tokensOf } from './support.ts';

let nodeName: string;
let runtime: PlainRuntime;
let alice: McpClient;
/** Undoes what was started, last first, also where starting failed half-way. */
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  cleanups.push(removePods);
  await preparePods();
  nodeName = await host.run(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']);
  runtime = await startPlainRuntime();
  cleanups.push(() => runtime.stop());
  alice = await signedInAs('alice');
  await waitFor(
    'the API server to take tokens of the issuer, which it looks for every 10 s',
    async () => !(await alice.callTool('namespaces_list')).isError,
    { deadlineMs: 60_000 },
  );
}, 240_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
}, 60_000);

async function signedInAs(user: string): Promise<McpClient> {
  const { accessToken } = await tokensOf(user);
  const client = await connectMcp({ mcpURL: runtime.mcpURL, accessToken });
  cleanups.push(() => client.close());
  return client;
}

/** The text of a successful answer to alice. */
async function text(tool: string, args: Record<string, unknown> = {}): Promise<string> {
  const result = await alice.callTool(tool, args);
  if (result.isError) throw new Error(`${tool} failed: ${result.text}`);
  return result.text;
}

/** The text of a failure told to alice. */
async function failure(tool: string, args: Record<string, unknown> = {}): Promise<string> {
  const result = await alice.callTool(tool, args);
  if (!result.isError) throw new Error(`${tool} did not fail: ${result.text}`);
  return result.text;
}

const talker = { namespace, name: 'talker' };

test('nothing speaks of workspaces', async () => {
  const tools = await alice.listTools();
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['pods_exec', 'nodes_log', 'configuration_view']),
  );
  const told = JSON.stringify(tools.map(({ name, description, inputSchema }) => [name, description, inputSchema]));
  expect(told).not.toMatch(/"workspace"|kcp_/);
  expect(alice.instructions).toMatch(/^This server gives access to a Kubernetes cluster/);
});

test('whoever has no rights in the cluster is told so', async () => {
  const bob = await signedInAs('bob');
  const { isError, text: told } = await bob.callTool('pods_list');
  expect(isError).toBe(true);
  expect(told).toMatch(/^bob@example\.com may not list pods in this cluster \(403\)/);
  expect(told).not.toMatch(/workspace|kcp/i);
});

test('Pods are listed as kubectl lists them, and shown', async () => {
  const rows = (list: string) => list.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3).join(' '));
  const list = await text('pods_list_in_namespace', { namespace, labelSelector: 'app in (talker,done)' });
  expect(rows(list)).toEqual(['NAME READY STATUS', 'done 0/1 Error', 'talker 2/2 Running']);
  expect(await text('pods_list', { fieldSelector: `metadata.namespace=${namespace},status.phase=Failed` })).toMatch(
    /^NAMESPACE .*\nplain +done +0\/1 +Error/,
  );
  expect(parse(await text('pods_get', talker))).toMatchObject({ kind: 'Pod', status: { phase: 'Running' } });
  expect(await failure('pods_get', { ...talker, name: 'nobody' })).toContain(
    'There is no Pod "nobody" in namespace plain',
  );
});

describe('pods_log', () => {
  test('the newest lines of the container that is meant', async () => {
    const [header, ...lines] = (await text('pods_log', { ...talker, tail: 3 })).split('\n');
    expect(header).toBe(
      '[container app of Pod plain/talker: the last 3 lines at most; other containers: sidecar, setup (init)]',
    );
    expect(lines).toEqual(['line 298', 'line 299', 'line 300']);
    expect((await text('pods_log', talker)).split('\n')).toHaveLength(101);
  });

  test('of the other containers', async () => {
    expect(await text('pods_log', { ...talker, container: 'sidecar' })).toMatch(/\nsidecar here$/);
    expect(await text('pods_log', { ...talker, container: 'setup', timestamps: true })).toMatch(
      /\n\d{4}-\d\d-\d\dT\S+Z set up$/,
    );
    expect(await failure('pods_log', { ...talker, container: 'nope' })).toContain('app, sidecar, setup (init)');
  });

  test('of the run before', async () => {
    const restarted = { namespace, name: 'restarted' };
    expect(await text('pods_log', restarted)).toMatch(/\nsecond run$/);
    expect(await text('pods_log', { ...restarted, previous: true })).toMatch(/^\[earlier run of .*\nfirst run$/);
    expect(await failure('pods_log', { ...talker, previous: true })).toBe(
      'Container app of Pod plain/talker has no log of an earlier run: it was never restarted. Leave out previous.',
    );
  });

  test('of a container that has not started: why', async () => {
    const stuck = { namespace, name: 'stuck' };
    const told = await waitFor(
      'kubelet to try the image',
      async () => {
        const answer = await alice.callTool('pods_log', stuck);
        return /(ErrImagePull|ImagePullBackOff)/.test(answer.text) ? answer : undefined;
      },
      { deadlineMs: 60_000 },
    );
    expect(told.text).toMatch(
      /^Container app of Pod plain\/stuck has no log yet \(waiting: (ErrImagePull|ImagePullBackOff)/,
    );
    expect(told.isError).toBe(true);
    expect(await failure('pods_exec', { ...stuck, command: ['ls'] })).toMatch(/isn't running \(waiting: /);
  });
});

describe('pods_exec', () => {
  const node = (program: string) => ['node', '-e', program];

  test('exit code, stdout and stderr', async () => {
    const program = 'console.log("to stdout"); console.error("to stderr"); process.exitCode = 3';
    expect(await text('pods_exec', { ...talker, command: node(program) })).toBe(
      '[container app of Pod plain/talker: exit code 3; other containers: sidecar, setup (init)]\n' +
        'stdout:\nto stdout\nstderr:\nto stderr',
    );
    const silent = await text('pods_exec', { ...talker, container: 'sidecar', command: node('') });
    expect(silent).toMatch(/^\[container sidecar of Pod plain\/talker: exit code 0; .*\]\nIt wrote nothing\.$/);
  });

  test('arguments arrive as they were given', async () => {
    const args = ['a b', '$HOME "quoted"', '&command=x', 'Zürich\n'];
    const command = [...node('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...args];
    expect(await text('pods_exec', { ...talker, command })).toContain(`\nstdout:\n${JSON.stringify(args)}`);
  });

  test('of much output the beginning', async () => {
    const told = await text('pods_exec', { ...talker, command: node('console.log("x".repeat(5_000_000))') });
    expect(told).toMatch(/: exit code 0; [^]*\nstdout:\nx{30720}\n\[cut: /);
  });

  test('a command without end is left in time', async () => {
    const told = await text('pods_exec', { ...talker, command: node(`console.log("still here"); ${IDLE}`) });
    expect(told).toMatch(/: no end within 9 s, so it was left; it may still be running; [^]*\nstdout:\nstill here$/);
  });

  test('an image without a shell', async () => {
    const told = await failure('pods_exec', { ...talker, command: ['sh', '-c', 'ls'] });
    expect(told).toContain('was not run to its end in container app of Pod plain/talker: ');
    expect(told).toContain('The image doesn\'t have "sh": many images have no shell and no tools.');
  });

  test('a Pod that is completed', async () => {
    const told = await failure('pods_exec', { namespace, name: 'done', command: node('') });
    expect(told).toBe(
      'Pod plain/done is completed (phase Failed): nothing can be run in it any more. pods_log shows what it wrote.',
    );
    expect(await text('pods_log', { namespace, name: 'done' })).toMatch(/\ndone$/);
  });
});

test('events are listed newest first, and selected', async () => {
  const whole = await text('events_list', { namespace, output: 'yaml', limit: 500 });
  const events = parse(whole) as { lastTimestamp: string | null; eventTime: string | null; reason: string }[];
  // The scheduler writes the newer kind of event.
  const times = events.map(({ lastTimestamp, eventTime }) => Date.parse(lastTimestamp ?? eventTime ?? ''));
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect(events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['Scheduled', 'Started', 'Failed']));
  const warnings = { namespace, fieldSelector: 'type=Warning,involvedObject.name=stuck' };
  const table = await text('events_list', warnings);
  expect(table).toMatch(/^LAST SEEN +COUNT +TYPE +REASON +OBJECT +MESSAGE\n/);
  const rows = table.split('\n').slice(1);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) expect(row).toMatch(/^\S+ +\d+ +Warning +\S+ +pod\/stuck +\S/);
});

test('without a metrics API: what has to be installed', async () => {
  for (const tool of ['pods_top', 'nodes_top']) {
    expect(await failure(tool)).toMatch(/^This cluster doesn't serve the metrics API .*metrics-server/);
  }
});

test('what the node and its Pods use', async () => {
  const stats = await waitFor(
    'kubelet to have measured the Pod',
    async () => {
      const answer = await text('nodes_stats_summary', { name: nodeName, namespace });
      const parsed = parse(answer) as { node: string; memory: string; pods: { pod: string; memory?: string }[] };
      return parsed.pods.some(({ pod, memory }) => pod === 'plain/talker' && memory !== undefined) ? parsed : undefined;
    },
    { deadlineMs: 60_000 },
  );
  expect(stats.node).toBe(nodeName);
  expect(stats.memory).toMatch(/^[\d.]+ [MG]iB/);
  const full = parse(await text('nodes_stats_summary', { name: nodeName, namespace, detail: 'full' })) as object;
  expect(full).toMatchObject({ node: { nodeName, cpu: { usageNanoCores: expect.any(Number) as unknown } } });
  expect(await failure('nodes_stats_summary', { name: 'nowhere' })).toContain('There is no Node "nowhere"');
});

describe('nodes_log', () => {
  const log = (query: string, tailLines?: number) =>
    text('nodes_log', { name: nodeName, query, ...(tailLines !== undefined && { tailLines }) });

  test('of a file, from its end', async () => {
    expect(await log('/plain-service.log', 2)).toBe(
      '[/var/log/plain-service.log of node ' + nodeName + ': the last 2 lines at most]\nentry 499\nentry 500',
    );
    expect(await log('/var/log/plain-service.log')).toMatch(/\nentry 401\n[^]*\nentry 500$/);
    const uid = await host.run(['get', 'pod', 'done', '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
    expect(await log(`/pods/plain_done_${uid}/app/0.log`)).toMatch(/stdout F done$/);
  });

  test('of a service that logs to a file', async () => {
    expect(await log('plain-service', 3)).toBe(
      `[service plain-service of node ${nodeName}: the last 3 lines at most]\nentry 498\nentry 499\nentry 500`,
    );
  });

  test('of a folder: its files', async () => {
    const told = await log('/');
    expect(told).toContain('\n- plain-service.log');
    expect(told).toContain('\n- pods/');
    expect(await failure('nodes_log', { name: nodeName, query: '/pods' })).toContain('is a folder: end query with "/"');
  });

  test('of what there is not', async () => {
    expect(await failure('nodes_log', { name: nodeName, query: '/nothing.log' })).toContain(
      'has no /var/log/nothing.log',
    );
    expect(await failure('nodes_log', { name: nodeName, query: 'nothing' })).toContain(
      'has no log of a service nothing',
    );
    expect(await failure('nodes_log', { name: 'nowhere', query: '/' })).toContain('There is no Node "nowhere"');
    expect(await failure('nodes_log', { name: nodeName, query: '/../../etc/passwd' })).toContain('is not valid');
  });
});

test('a Pod is run with its Service, and both are deleted', async () => {
  const made = parse(await text('pods_run', { namespace, image: pauseImage, port: 8080 })) as {
    metadata: { name: string };
  }[];
  const name = made[0]?.metadata.name ?? '';
  expect(made).toMatchObject([{ kind: 'Pod' }, { kind: 'Service', metadata: { name } }]);
  await host.run(['wait', '--for=condition=Ready', `pod/${name}`, '-n', namespace, '--timeout=60s']);
  // The Service's selector finds the Pod.
  const address = await host.run(['get', 'pod', name, '-n', namespace, '-o', 'jsonpath={.status.podIP}']);
  const slices = ['get', 'endpointslices', '-n', namespace, '-l', `kubernetes.io/service-name=${name}`];
  await waitFor(
    'the Service to have its endpoint',
    async () => (await host.run([...slices, '-o', 'jsonpath={.items[*].endpoints[*].addresses[*]}'])) === address,
    { deadlineMs: 30_000 },
  );
  expect(await text('pods_delete', { namespace, name, gracePeriodSeconds: 1 })).toBe(
    `Pod plain/${name} is being deleted: its containers have 1 s to stop.\nService plain/${name} is deleted, too.`,
  );
  await host.run(['wait', '--for=delete', `pod/${name}`, '-n', namespace, '--timeout=60s']);
  expect(await host.run(['get', 'services', '-n', namespace, '-o', 'name'])).toBe('');
});

test('the configuration is shown without what could be used to sign in', async () => {
  expect(parse(await text('configuration_view'))).toMatchObject({
    'current-context': 'plain',
    clusters: [{ cluster: { 'certificate-authority-data': expect.stringMatching(/^\[1 certificate: /) as unknown } }],
    users: [],
  });
});

test('the audit log names who did what to which Pod, not what was run', async () => {
  const marker = 'not-for-the-log';
  await text('pods_exec', { ...talker, command: ['node', '-e', '', marker] });
  const { accessToken } = await tokensOf('alice');
  const log = await readFile(runtime.logFile, 'utf8');
  const last =
    log
      .split('\n')
      .filter((line) => line.includes('"pods_exec"'))
      .at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({ user: 'alice@example.com', object: 'Pod (v1) plain/talker', result: 'ok' });
  expect(log).not.toContain(marker);
  expect(log).not.toContain(accessToken.split('.')[2]);
});
