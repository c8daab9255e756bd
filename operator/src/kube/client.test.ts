import { writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { KubeClient, KubeClientOptions } from './client.ts';
import { ApiError, isConflict, isGone, isMissingKind, isTransient, isUnreachable } from './errors.ts';
import { kinds, must } from './testing/api.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { json, kubeconfigYAML, scriptedServer, status } from './testing/scripted-server.ts';
import type { Answer, ScriptedServer } from './testing/scripted-server.ts';

const key = { namespace: 'ns', name: 'a' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };
const secret = { ...configMap, kind: 'Secret', data: { password: 'aHVudGVyMg==' } };
const manager = { fieldManager: 'm' };
const found = json(200, configMap);

let server: ScriptedServer;
afterEach(() => server.stop());

async function setup(answers: Answer[], options: Partial<KubeClientOptions> = {}): Promise<KubeClient> {
  server = await scriptedServer(options);
  server.answers.push(...answers);
  return server.client;
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiError)) throw new Error('it did not fail with an ApiError');
  return error;
}

/** Lets real I/O happen while the fake clock moves. */
async function drive<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const state = { done: false };
  const ended = (): void => void (state.done = true);
  promise.then(ended, ended);
  while (!state.done) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(50);
  }
  return promise;
}

test('requests carry token, User-Agent with the holder, and go over one connection', async () => {
  const client = await setup([found]);
  for (let i = 0; i < 20; i++) await client.get(kinds.configMap, key);
  // the pool may not know yet that the first is free again
  expect(server.connections()).toBeLessThanOrEqual(2);
  expect(server.requests[0]).toMatchObject({
    url: '/api/v1/namespaces/ns/configmaps/a',
    headers: { authorization: 'Bearer first-token', 'user-agent': 'test/1 (pod-a)' },
  });
  expect(client.defaultNamespace).toBe('here');
});

test('no more than so many connections, however many calls', async () => {
  const client = await setup([found], { connections: 3 });
  await Promise.all(Array.from({ length: 30 }, () => client.get(kinds.configMap, key)));
  expect([server.connections(), server.requests.length]).toEqual([3, 30]);
});

test('what is missing: object, kind, namespace', async () => {
  const missing = status(404, 'NotFound', { details: { name: 'a', kind: 'configmaps' } });
  const unknown: Answer = (_, response) => response.writeHead(404).end('404 page not found');
  const client = await setup([missing, unknown, unknown, missing, missing, unknown]);
  expect(await client.get(kinds.configMap, key)).toBeUndefined();
  expect(await client.get(kinds.widget, key)).toBeUndefined();
  expect(isMissingKind(await failure(client.list(kinds.widget)))).toBe(true);
  expect((await failure(client.create(kinds.configMap, configMap, manager))).reason).toBe('NotFound');
  expect(await client.delete(kinds.configMap, key)).toBe(false);
  expect(await client.serves(kinds.widget)).toBe(false);
});

test.each([
  ['a GET', (client: KubeClient) => client.get(kinds.configMap, key)],
  ['an apply', (client: KubeClient) => client.apply(kinds.configMap, configMap, manager)],
])('%s waits as long as 429 and 503 ask for', async (_, call) => {
  const clock = new FakeClock();
  const client = await setup(
    [
      status(429, 'TooManyRequests', {}, { 'retry-after': '3' }),
      status(503, 'ServiceUnavailable', {}, { 'retry-after': '2' }),
      found,
    ],
    { clock },
  );
  const from = clock.monotonic();
  await drive(clock, call(client));
  expect(server.requests).toHaveLength(3);
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(5_000);
});

test('a 5xx without Retry-After: a read is repeated, a write is not', async () => {
  const clock = new FakeClock();
  const client = await setup([status(500, 'InternalError')], { clock });
  const write = await drive(clock, failure(client.apply(kinds.configMap, configMap, manager)));
  expect([server.requests.length, write.status, isTransient(write)]).toEqual([1, 500, true]);
  await drive(clock, failure(client.get(kinds.configMap, key)));
  expect(server.requests).toHaveLength(1 + 6);
});

test('retrying ends with the deadline, and says when to come back', async () => {
  const clock = new FakeClock();
  const client = await setup([status(429, 'TooManyRequests', {}, { 'retry-after': '20' })], { clock });
  const error = await drive(clock, failure(client.get(kinds.configMap, key)));
  expect([error.status, error.retryAfterMs, server.requests.length]).toEqual([429, 20_000, 1]);
});

test('no answer in time is a Timeout', async () => {
  const clock = new FakeClock();
  const client = await setup([() => undefined], { clock, requestTimeoutMs: 4_000 });
  const error = await drive(clock, failure(client.get(kinds.configMap, key)));
  expect(error).toMatchObject({
    reason: 'Timeout',
    message: 'GET /api/v1/namespaces/ns/configmaps/a: no answer within 4 s',
  });
  expect(clock.timers).toBe(0);
});

test('after a call without an answer, the next ones get new connections', async () => {
  const clock = new FakeClock();
  const client = await setup([found], { clock, connections: 4 });
  await Promise.all(Array.from({ length: 4 }, () => client.get(kinds.configMap, key)));
  const before = server.connections();
  // the network drops everything on the connections that exist
  server.answers.splice(0, 1, (request, response) => {
    if (request.connection > before) found(request, response);
  });
  const lost = await drive(clock, failure(client.get(kinds.configMap, key, { timeoutMs: 2_000 })));
  expect(lost.reason).toBe('Timeout');
  await Promise.all(Array.from({ length: 8 }, () => client.get(kinds.configMap, key)));
});

test('a broken connection: a read is repeated once, a write is not', async () => {
  const broken: Answer = (_, response) => response.socket?.destroy();
  const client = await setup([broken, found, broken]);
  expect(await client.get(kinds.configMap, key)).toBeDefined();
  const error = await failure(client.apply(kinds.configMap, configMap, manager));
  expect([isUnreachable(error), server.requests.length]).toEqual([true, 3]);
});

test('nobody listening is told with the code, and no secret', async () => {
  const client = await setup([]);
  await writeFile(server.kubeconfig, kubeconfigYAML('http://127.0.0.1:1', 'second-token'));
  const clock = new FakeClock();
  const other = await scriptedServer({ kubeconfig: server.kubeconfig, clock });
  const error = await failure(other.client.get(kinds.configMap, key));
  expect(error).toMatchObject({ reason: 'Network', code: 'ECONNREFUSED' });
  await other.stop();
  await client.close();
});

test('errors about Secrets never hold what the server says of them', async () => {
  const invalid = status(422, 'Invalid', {
    message: 'Secret "a" is invalid: data[password]: Invalid value: "hunter2"',
    details: { name: 'a', causes: [{ reason: 'FieldValueInvalid', field: 'data[password]', message: 'hunter2' }] },
  });
  const client = await setup([invalid]);
  const errors = [
    await failure(client.apply(kinds.secret, secret, manager)),
    await failure(client.create(kinds.secret, secret, manager)),
  ];
  for (const error of errors) {
    expect(error.message).toMatch(/secrets.*: Invalid \(422\); data\[password\] \(FieldValueInvalid\)$/);
    expect(inspect(error, { depth: 10 })).not.toMatch(/hunter2|aHVudGVyMg|first-token/);
  }
  const other = await failure(client.create(kinds.configMap, configMap, manager));
  expect(other.message).toContain('hunter2');
});

test('a long or multi-line message is one line of bounded length', async () => {
  const client = await setup([status(400, 'BadRequest', { message: `a\nb\u001b[31m${'x'.repeat(5_000)}` })]);
  const { message } = await failure(client.get(kinds.configMap, key));
  expect(message.length).toBeLessThan(1_200);
  expect(message).toContain(': a b [31mxxx');
});

test('apply: content type, manager, force and preconditions', async () => {
  const client = await setup([found]);
  await client.apply(kinds.configMap, configMap, { ...manager, force: true, uid: 'u' });
  await client.apply(kinds.configMap, configMap, { ...manager, mustNotExist: true });
  const [first, second] = server.requests;
  expect(first).toMatchObject({ method: 'PATCH', url: '/api/v1/namespaces/ns/configmaps/a?force=true&fieldManager=m' });
  expect(first?.headers['content-type']).toBe('application/apply-patch+yaml');
  expect(JSON.parse(must(first).body)).toEqual({ ...configMap, metadata: { ...key, uid: 'u' } });
  expect(JSON.parse(must(second).body)).toEqual({ ...configMap, metadata: { ...key, resourceVersion: '1' } });
});

test("another object's uid is a conflict, another invalid field is not", async () => {
  const invalid = (field: string): Answer => status(422, 'Invalid', { details: { name: 'a', causes: [{ field }] } });
  const client = await setup([invalid('metadata.uid'), invalid('data')]);
  expect(isConflict(await failure(client.apply(kinds.configMap, configMap, { ...manager, uid: 'u' })))).toBe(true);
  expect(isConflict(await failure(client.apply(kinds.configMap, configMap, { ...manager, uid: 'u' })))).toBe(false);
});

test('delete: preconditions and propagation', async () => {
  const client = await setup([json(200, {})]);
  expect(
    await client.delete(kinds.configMap, key, { uid: 'u', resourceVersion: '7', propagationPolicy: 'Foreground' }),
  ).toBe(true);
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: 'Foreground',
    preconditions: { uid: 'u', resourceVersion: '7' },
  });
});

test('a new token on disk is used: after ten seconds, and at once when the old one is refused', async () => {
  const clock = new FakeClock();
  const client = await setup([found], { clock });
  const url = `http://127.0.0.1:${new URL(`http://${must(await first(client))}`).port}`;
  await writeFile(server.kubeconfig, kubeconfigYAML(url, 'second-token'));
  await client.get(kinds.configMap, key);
  await clock.advance(10_001);
  await client.get(kinds.configMap, key);
  await writeFile(server.kubeconfig, kubeconfigYAML(url, 'third-token'));
  server.answers.splice(0, 1, status(401, 'Unauthorized'), found);
  await client.get(kinds.configMap, key);
  const tokens = server.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', ''));
  expect(tokens).toEqual(['first-token', 'first-token', 'second-token', 'second-token', 'third-token']);
  expect(server.connections()).toBeLessThanOrEqual(2);
  server.answers.splice(0, 1, status(401, 'Unauthorized'));
  expect((await failure(client.get(kinds.configMap, key))).status).toBe(401);
});

async function first(client: KubeClient): Promise<string | undefined> {
  await client.get(kinds.configMap, key);
  return server.requests[0]?.headers.host;
}

test('a half-written kubeconfig is not used', async () => {
  const clock = new FakeClock();
  const client = await setup([found], { clock });
  await writeFile(server.kubeconfig, 'clusters: [');
  await clock.advance(10_001);
  expect(await client.get(kinds.configMap, key)).toBeDefined();
});

test('a term that ends cuts off what is under way and starts nothing more', async () => {
  const client = await setup([() => undefined]);
  const term = new AbortController();
  let valid = true;
  const scoped = client.withSignal(term.signal, () => valid);
  const waiting = failure(scoped.get(kinds.configMap, key));
  while (server.requests.length === 0) await settle();
  valid = false;
  expect((await failure(scoped.get(kinds.configMap, key))).reason).toBe('Aborted');
  term.abort();
  expect((await waiting).reason).toBe('Aborted');
  valid = true;
  expect((await failure(scoped.get(kinds.configMap, key))).reason).toBe('Aborted');
  expect(server.requests).toHaveLength(1);
  await scoped.close();
  server.answers.splice(0, 1, found);
  expect(await client.get(kinds.configMap, key)).toBeDefined();
});

test('a watch: events in pieces, an ERROR event, the end', async () => {
  const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
  const added = event('ADDED', { ...configMap, data: { text: 'zwölf Boxkämpfer €' } });
  const pieces: Answer = (_, response) => {
    const bytes = Buffer.from(added + event('BOOKMARK', { metadata: { resourceVersion: '9' } }));
    response.writeHead(200);
    const send = (from: number): void => {
      if (from >= bytes.length) response.end();
      else response.write(bytes.subarray(from, from + 7), () => setImmediate(send, from + 7));
    };
    send(0);
  };
  const error: Answer = (_, response) => {
    response.writeHead(200);
    response.end(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
  };
  const client = await setup([pieces, error]);
  const seen: unknown[] = [];
  const watch = (): Promise<void> =>
    client.watch(kinds.configMap, {
      namespace: 'ns',
      resourceVersion: '5',
      timeoutSeconds: 300.2,
      onOpen: () => seen.push('open'),
      onEvent: ({ type, object }) => seen.push([type, object.kind, (object as { data?: unknown }).data]),
      signal: new AbortController().signal,
    });
  await watch();
  expect(seen).toEqual([
    'open',
    ['ADDED', 'ConfigMap', { text: 'zwölf Boxkämpfer €' }],
    ['BOOKMARK', 'ConfigMap', undefined],
  ]);
  expect(server.requests[0]?.url).toBe(
    '/api/v1/namespaces/ns/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=301&resourceVersion=5',
  );
  expect(isGone(await failure(watch()))).toBe(true);
});

test('a watch tells of what is known already only the version, and parses no more of it', async () => {
  const line = (resourceVersion: string): string => {
    const metadata = { name: 'a', namespace: 'ns', uid: 'u', resourceVersion, generation: 1 };
    return JSON.stringify({
      type: 'MODIFIED',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { a: '1' } },
    });
  };
  const answer: Answer = (_, response) => {
    response.writeHead(200);
    response.end(`${line('5').slice(0, -1)} not JSON\n${line('6')}\n`);
  };
  const client = await setup([answer]);
  const seen: unknown[] = [];
  await client.watch(kinds.configMap, {
    namespace: 'ns',
    timeoutSeconds: 300,
    isKnown: ({ resourceVersion }) => resourceVersion === '5',
    onEvent: ({ type, object }) =>
      seen.push([type, object.metadata.resourceVersion, (object as { data?: unknown }).data]),
    signal: new AbortController().signal,
  });
  expect(seen).toEqual([
    ['BOOKMARK', '5', undefined],
    ['MODIFIED', '6', { a: '1' }],
  ]);
});

test('watches have connections of their own: they starve no call', async () => {
  const client = await setup(
    [
      (_, response) => {
        response.writeHead(200).flushHeaders();
      },
    ],
    { connections: 1 },
  );
  const stop = new AbortController();
  const opened: unknown[] = [];
  const watches = Array.from({ length: 20 }, () =>
    client.watch(kinds.configMap, {
      timeoutSeconds: 300,
      onOpen: () => opened.push(1),
      onEvent: () => undefined,
      signal: stop.signal,
    }),
  );
  await waitFor('20 open watches', () => opened.length === 20, { deadlineMs: 10_000, intervalMs: 5 });
  server.answers.splice(0, 1, found);
  expect(await client.get(kinds.configMap, key)).toBeDefined();
  stop.abort();
  await Promise.all(watches);
});

test('a name that would leave its place in the path is refused', async () => {
  const client = await setup([found]);
  for (const name of ['../secrets/a', 'a/b', '..', '', '%2e%2e']) {
    await expect(client.get(kinds.configMap, { namespace: 'ns', name })).rejects.toThrow(TypeError);
  }
  expect(server.requests).toHaveLength(0);
});
