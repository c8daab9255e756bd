import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { createKubeClient } from './client.ts';
import type { KubeClient } from './client.ts';
import { isForbidden, isUnreachable } from './errors.ts';
import { kinds } from './testing/api.ts';

const soon = { deadlineMs: 10_000, intervalMs: 5 };

let dir: string;
let caFile: string;
let certificate: { cert: Buffer; key: Buffer };
let client: KubeClient;
let server: Server;
/** Answers that are open, by path. */
const open = new Map<string, { write(text: string): unknown; end(): unknown }>();
const sessions: ServerHttp2Session[] = [];
const sockets: Socket[] = [];
let connections = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kube-streams-'));
  const ca = await createCA(dir, 'ca', 'test');
  const files = await issueCertificate(ca, { dir, name: 'server', commonName: 'server', hosts: ['127.0.0.1'] });
  caFile = ca.certFile;
  certificate = { cert: await readFile(files.certFile), key: await readFile(files.keyFile) };
});
afterEach(async () => {
  await client.close();
  await new Promise((resolve) => server.close(resolve));
  open.clear();
  sessions.length = sockets.length = connections = 0;
});
afterAll(() => rm(dir, { recursive: true }));

/** A server that accepts every watch and says nothing; one of a name `forbidden` it refuses, one of `ignored` it doesn't answer. */
async function serve(started: Server): Promise<void> {
  server = started;
  server.on('connection', (socket: Socket) => (connections = sockets.push(socket)));
  server.on('session', (session: ServerHttp2Session) => sessions.push(session));
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    if (request.url.includes('ignored')) return;
    const refused = request.url.includes('forbidden');
    response.writeHead(refused ? 403 : 200, { 'content-type': 'application/json' });
    if (refused) response.end('{"kind":"Status","code":403,"reason":"Forbidden"}');
    else {
      response.write('\n');
      open.set(/metadata\.name%3D([^&]+)/.exec(request.url)?.[1] ?? '', response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(dir, 'kubeconfig');
  const cluster = `{server: 'https://127.0.0.1:${port}', certificate-authority: '${caFile}'}`;
  await writeFile(
    kubeconfig,
    `current-context: main\nclusters: [{name: c, cluster: ${cluster}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: main, context: {cluster: c, user: u}}]\n`,
  );
  client = await createKubeClient({ kubeconfig, userAgent: 'test/1', holder: 'a' });
}

const overHTTP2 = (settings: http2.Settings = {}): Promise<void> =>
  serve(http2.createSecureServer({ ...certificate, settings }));

interface Watching {
  events: string[];
  abort: () => void;
  /** Undefined: it ended as it should. */
  ended: Promise<unknown>;
}

function watch(name: string): Watching {
  const controller = new AbortController();
  const events: string[] = [];
  const ended = client
    .watch(kinds.secret, {
      namespace: 'ns',
      fieldSelector: `metadata.name=${name}`,
      timeoutSeconds: 300,
      signal: controller.signal,
      onEvent: ({ object }) => events.push(object.metadata.name),
    })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  return { events, ended, abort: () => { controller.abort(); } }; // prettier-ignore
}

async function watchMany(count: number): Promise<Watching[]> {
  const watches = Array.from({ length: count }, (_, index) => watch(`w${index}`));
  await waitFor('all to be open', () => open.size >= count, soon);
  return watches;
}

const tell = (name: string): unknown =>
  open.get(name)?.write(`{"type":"ADDED","object":{"metadata":{"name":"${name}","resourceVersion":"5"}}}\n`);

test('hundreds of watches share a few connections, and each is told of its own', async () => {
  await overHTTP2();
  const watches = await watchMany(250);
  expect(connections).toBe(3);
  tell('w0');
  tell('w249');
  await waitFor('events', () => watches[0]?.events.length === 1 && watches[249]?.events.length === 1, soon);
  expect(watches.flatMap(({ events }) => events)).toEqual(['w0', 'w249']);
});

test('no more on one connection than the server allows', async () => {
  await overHTTP2({ maxConcurrentStreams: 10 });
  await watchMany(30);
  expect(connections).toBe(3);
});

test('one watch ends, is given up or refused, and the others of its connection go on', async () => {
  await overHTTP2();
  const [first, second, third] = await watchMany(3);
  open.get('w0')?.end();
  expect(await first?.ended).toBeUndefined();
  second?.abort();
  expect(await second?.ended).toBeUndefined();
  expect(isForbidden(await watch('forbidden').ended)).toBe(true);
  tell('w2');
  await waitFor('the event', () => third?.events.length === 1, soon);
  expect(connections).toBe(1);
});

test('the place of a watch that has ended is taken by the next one', async () => {
  await overHTTP2({ maxConcurrentStreams: 2 });
  const [first] = await watchMany(2);
  first?.abort();
  await first?.ended;
  watch('next');
  await waitFor('it to be open', () => open.has('next'), soon);
  // Where the server has it that the first is there still, the next one goes elsewhere.
  expect(connections).toBeLessThanOrEqual(2);
});

test('a connection that breaks fails its watches, those that were just given up too, and the next one gets another', async () => {
  await overHTTP2();
  const watches = await watchMany(20);
  const ignored = watch('ignored');
  // What is closing when the connection breaks must not become an error that nobody hears.
  for (const { abort } of watches.slice(10)) abort();
  for (const socket of sockets) socket.destroy();
  for (const { ended } of [...watches.slice(0, 10), ignored]) expect(isUnreachable(await ended)).toBe(true);
  for (const { ended } of watches.slice(10)) expect(await ended).toBeUndefined();
  watch('next');
  await waitFor('it to be open', () => open.has('next'), soon);
  expect(connections).toBe(2);
});

test('a server that is about to go is left to its present watches', async () => {
  await overHTTP2();
  const [old] = await watchMany(1);
  const [session] = sessions;
  session?.goaway();
  // The first may still go to the old connection, which takes it no more.
  let attempts = 0;
  await waitFor(
    'a new connection',
    async () => {
      attempts += 1;
      const name = `next-${attempts}`;
      const opened = waitFor('it to be open', () => open.has(name), soon);
      await Promise.race([opened, watch(name).ended]);
      return connections > 1;
    },
    soon,
  );
  tell('w0');
  await waitFor('the event', () => old?.events.length === 1, soon);
});

test('a connection goes soon after its last watch', async () => {
  await overHTTP2();
  const [only] = await watchMany(1);
  only?.abort();
  const [session] = sessions;
  if (session && !session.closed) await once(session, 'close');
});

test('a server without HTTP/2 gets a connection for each', async () => {
  await serve(createServer(certificate));
  const watches = await watchMany(3);
  tell('w1');
  await waitFor('the event', () => watches[1]?.events.length === 1, soon);
  // Perhaps one more, to find out.
  expect(connections).toBeGreaterThanOrEqual(3);
  for (const { abort } of watches) abort();
});

test('after an event that can not be read none is taken, however many came with it', async () => {
  await overHTTP2();
  const [broken] = await watchMany(1);
  const event = '{"type":"ADDED","object":{"metadata":{"name":"later","resourceVersion":"6"}}}\n';
  const response = open.get('w0');
  response?.write('no JSON\n');
  response?.write(event);
  response?.write(event);
  expect(await broken?.ended).toMatchObject({ reason: 'Malformed' });
  watch('next');
  await waitFor('it to be open', () => open.has('next'), soon);
  expect(broken?.events).toEqual([]);
});

test('nobody there: all that wait are told', async () => {
  await overHTTP2();
  await new Promise((resolve) => server.close(resolve));
  const errors = await Promise.all([watch('a').ended, watch('b').ended]);
  expect(errors.map(isUnreachable)).toEqual([true, true]);
});
