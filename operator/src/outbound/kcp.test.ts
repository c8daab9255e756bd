import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createKcpProbe, type KcpQuestion } from './kcp.ts';
import { startHttpsServer, type HttpsServer } from './testing/https-server.ts';

const HOST = 'kcp.example.com';
const forever = new AbortController().signal;

let server: HttpsServer;
let question: KcpQuestion;
beforeAll(async () => {
  server = await startHttpsServer([HOST]);
  const aliases = [{ ip: '127.0.0.1', hostnames: [HOST, 'other.example.com'] }];
  question = { server: `https://${HOST}:${server.port}`, ca: server.ca, aliases };
});
afterAll(() => server.close());

const probe = (change: Partial<KcpQuestion> = {}) =>
  createKcpProbe({ allowLocal: true })({ ...question, ...change }, forever);

test.each([200, 302, 401, 403, 404, 500])('an answer with status %d is one', async (status) => {
  server.answer('/readyz', (_, response) => response.writeHead(status).end());
  expect(await probe()).toEqual({ outcome: 'answers' });
});

test('asks without credentials, and under the name that the kubeconfig gives', async () => {
  server.answer('/readyz', ({ headers }, response) => {
    response.writeHead(headers.authorization === undefined ? 200 : 500).end();
  });
  const at = `https://other.example.com:${server.port}`;
  expect(await probe({ server: at, serverName: HOST })).toEqual({ outcome: 'answers' });
  expect(await probe({ server: at })).toMatchObject({ kind: 'certificate' });
});

test.each([
  ['a CA that isn’t its own', { ca: undefined }, 'certificate'],
  ['a name that nobody knows', { server: 'https://kcp.invalid:6443' }, 'dns'],
  ['a port where nobody listens', { server: `https://${HOST}:1` }, 'refused'],
])('%s', async (_, change, kind) => {
  expect(await probe(change)).toMatchObject({ outcome: 'failed', kind });
});

test('a local address isn’t asked unless that is allowed', async () => {
  const before = server.connections();
  expect(await createKcpProbe({ allowLocal: false })(question, forever)).toMatchObject({ kind: 'address' });
  expect(server.connections()).toBe(before);
});
