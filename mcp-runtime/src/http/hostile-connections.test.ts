// Connections that take a place and give nothing for it. Times are set short, and only their order is looked at.
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { startFakeKcp } from '../testing/fake-kcp.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { startTestRuntime } from '../testing/runtime.ts';
import { exchange } from '../testing/wire.ts';

const SOON = { deadlineMs: 10_000, intervalMs: 5 };
const HOST = 'Host: mcp.example.com';

let provider: TestIssuer;
let app: TestApp;
let port: number;
let authorization: string;

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());

async function start(): Promise<void> {
  app = await startTestApp(provider, { http: { read_header_timeout: '100ms' } });
  app.server.requestTimeout = 200;
  port = Number(new URL(app.url).port);
  authorization = `Bearer ${await provider.sign()}`;
  await waitFor('the keys', () => app.issuer.ready(), SOON);
}
/** Whoever comes next is served. */
afterEach(async () => {
  try {
    const called = await app.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { authorization });
    expect([called.status, await called.text()]).toEqual([200, expect.stringContaining('probe')]);
  } finally {
    await app.close();
  }
});

describe('what does not come to an end is ended', () => {
  const post = (...headers: string[]) => ['POST /mcp HTTP/1.1', HOST, ...headers].join('\r\n');
  const TYPE = 'Content-Type: application/json';
  const token = () => `Authorization: ${authorization}`;

  test.each<[string, () => string, number[]]>([
    ['nothing at all', () => '', [408]],
    ['empty lines', () => '\r\n\r\n', [408]],
    ['a request line', () => 'POST /mcp HTTP/1.1\r\n', [408]],
    ['half a request line', () => 'POST /mc', [408]],
    ['headers', () => post('X-Slow: '), [408]],
    ['headers after a refused request', () => `${post('Content-Length: 0')}\r\n\r\n${post('X-Slow: ')}`, [401, 408]],
    ['a body', () => `${post(token(), TYPE, 'Content-Length: 100')}\r\n\r\n{"json`, [408]],
    ['the body of a refused request', () => `${post('Content-Length: 100')}\r\n\r\n{"json`, [401, 408]],
    ['a chunk', () => `${post(token(), TYPE, 'Transfer-Encoding: chunked')}\r\n\r\n5\r\n{`, [408]],
    ['chunks', () => `${post(token(), TYPE, 'Transfer-Encoding: chunked')}\r\n\r\n1\r\n{\r\n`, [408]],
    ['trailers', () => `${post(token(), TYPE, 'Transfer-Encoding: chunked')}\r\n\r\n1\r\n{\r\n0\r\nX-Slow: `, [408]],
  ])('%s', async (_, bytes, statuses) => {
    await start();
    expect((await exchange({ port }, bytes())).statuses).toEqual(statuses);
  });

  test.each(['\r\n', 'X-Slow: a\r\n', 'a'])('%j, again and again', async (drop) => {
    await start();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let closed = false;
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => (closed = true));
    if (drop !== '\r\n') socket.write(`POST /mcp HTTP/1.1\r\n${HOST}\r\n${drop === 'a' ? 'X-Slow: ' : ''}`);
    await waitFor(
      'the end of it',
      () => {
        if (!closed) socket.write(drop);
        return closed;
      },
      SOON,
    );
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a TLS handshake', async () => {
    await start();
    const kcp = await startFakeKcp();
    const runtime = await startTestRuntime(provider, kcp, 'http.read_header_timeout = "100ms"');
    // A record that says it holds 512 bytes of ClientHello, and the first of them.
    const hello = Buffer.from('1603010200010001fc0303', 'hex');
    expect((await exchange({ port: runtime.port }, hello)).text).not.toContain('HTTP');
    expect((await exchange({ port: runtime.port }, '')).text).not.toContain('HTTP');
    await runtime.stop();
    await kcp.stop();
  });
});

describe('a client that leaves in the middle', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['by closing', (socket) => socket.end()],
    ['by a reset', (socket) => socket.resetAndDestroy()],
  ])('%s', async (_, leave) => {
    await start();
    const inFlight = async () => /http_requests_in_flight (\d+)/.exec(await app.metrics.registry.metrics())?.[1];
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /mcp HTTP/1.1\r\n${HOST}\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\n{"json`,
    );
    await waitFor('the request', async () => (await inFlight()) === '1', SOON);
    leave(socket);
    await waitFor('its end', async () => (await inFlight()) === '0', SOON);
    expect(app.logged.lines.filter((line) => line['level'] === 'error')).toEqual([]);
  });
});

test('idle connections make room for new ones', async () => {
  await start();
  let answers = 0;
  const held = Array.from({ length: 512 }, () => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`POST /mcp HTTP/1.1\r\n${HOST}\r\nContent-Length: 0\r\n\r\n`),
    );
    socket.on('error', () => undefined);
    socket.once('data', () => answers++);
    return socket;
  });
  try {
    await waitFor('all places to be taken', () => answers === 512, SOON);
    const healthy = async () => (await fetch(`${app.url}/healthz`)).status === 200;
    // The first who finds no room is turned away.
    await waitFor('room', healthy, SOON);
  } finally {
    for (const socket of held) socket.destroy();
  }
});
