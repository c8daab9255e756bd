// Answers as raw bytes, since a well-behaved server can't be told to give bad ones.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { exchange, textOf } from './exchange.ts';

const soon = { deadlineMs: 5_000, intervalMs: 1 };

let server: Server;
let agent: Agent;
let origin: string;
/** The server's ends of the connections, and what came on them. */
let sockets: Socket[];
let received: string;

beforeEach(async () => {
  sockets = [];
  received = '';
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  agent = new Agent({ connections: 1, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
});
afterEach(async () => {
  await agent.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const ask = (path: string, signal = new AbortController().signal) =>
  exchange(agent, origin, { method: 'GET', path, headers: {}, signal });

/** The connection on which the request for `path` came. */
async function asked(path: string): Promise<Socket> {
  await waitFor(`the request for ${path}`, () => received.includes(`GET ${path} `), soon);
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no connection');
  return socket;
}

test('what goes before the answer is none', async () => {
  const answer = ask('/a');
  (await asked('/a')).write(
    'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}',
  );
  const response = await answer;
  expect(response.statusCode).toBe(201);
  expect(response.headers['content-length']).toBe('2');
  expect(await textOf(response)).toBe('{}');
});

test.each([
  ['chunk', 'transfer-encoding: chunked\r\n\r\n5\r\nhel', 'UND_ERR_SOCKET'],
  ['length', 'content-length: 10\r\n\r\nhel', 'UND_ERR_SOCKET'],
])('a body that ends before its %s does is no answer', async (_, rest, code) => {
  const answer = ask('/a');
  const socket = await asked('/a');
  socket.end(`HTTP/1.1 200 OK\r\n${rest}`);
  // Also when nobody reads before it has ended.
  const response = await answer;
  await once(socket, 'close');
  await expect(textOf(response)).rejects.toMatchObject({ code });
});

test('nothing is taken after what couldn’t be taken', async () => {
  const answer = ask('/a');
  const socket = await asked('/a');
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n');
  const taken: string[] = [];
  const reading = (await answer).read((chunk) => {
    taken.push(chunk.toString());
    throw new Error('not this one');
  });
  await expect(reading).rejects.toThrow('not this one');
  // The rest of the answer is no use to anybody: its connection goes.
  await once(socket, 'close');
  expect(taken).toHaveLength(1);
});

test('a body that is aborted ends with the reason, and the next call gets a connection', async () => {
  const stop = new AbortController();
  const answer = ask('/a', stop.signal);
  (await asked('/a')).write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhel');
  const reading = textOf(await answer);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(reading).rejects.toBe(reason);
  const next = ask('/b');
  (await asked('/b')).write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  expect(await textOf(await next)).toBe('ok');
});

test('an answer that nobody will read is no unhandled rejection, and a signal that comes after it changes nothing', async () => {
  const stop = new AbortController();
  const answer = ask('/a', stop.signal);
  (await asked('/a')).write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const response = await answer;
  expect(await textOf(response)).toBe('ok');
  stop.abort();
  const cut = ask('/b');
  const socket = await asked('/b');
  socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhel');
  expect((await cut).statusCode).toBe(200);
  await once(socket, 'close');
});
