import { request } from 'node:http';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { drainServer } from './listen.ts';

const SOON = { deadlineMs: 5_000, intervalMs: 5 };
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'probe' } };

let provider: TestIssuer;
beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());

const apps: TestApp[] = [];
/** Closed after the test, however it ends. */
async function startApp(): Promise<TestApp> {
  const app = await startTestApp(provider);
  apps.push(app);
  return app;
}
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** A call that is under way, and what ends it. */
async function startCall(): Promise<{ app: TestApp; finish: () => void; answer: Promise<string> }> {
  const app = await startApp();
  await waitFor('the keys', () => app.issuer.ready(), SOON);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let started = false;
  app.probe = async () => {
    started = true;
    await promise;
    return { content: [{ type: 'text', text: 'finished' }] };
  };
  const headers = { authorization: `Bearer ${await provider.sign()}` };
  const answer = app.post(CALL, headers).then((response) => response.text());
  answer.catch(() => undefined);
  await waitFor('the call', () => started, SOON);
  return {
    app,
    answer,
    finish: () => {
      resolve(undefined);
    },
  };
}

test('draining lets calls finish and takes no new ones', async () => {
  const { app, answer, finish } = await startCall();
  const drained = drainServer(app.server, app.app, 5_000);
  await expect(fetch(`${app.url}/healthz`)).rejects.toThrow();
  finish();
  expect(await answer).toContain('finished');
  await expect(drained).resolves.toBe(true);
});

test('a draining server asks its callers to come back on another connection', async () => {
  const app = await startApp();
  await waitFor('the keys', () => app.issuer.ready(), SOON);
  const headers = { authorization: `Bearer ${await provider.sign()}` };
  const connection = async () => (await app.post(CALL, headers)).headers.get('connection');
  expect(await connection()).toBe('keep-alive');
  app.app.drain();
  expect(await connection()).toBe('close');
});

test('draining waits for a call whose body is still on its way', async () => {
  const app = await startApp();
  await waitFor('the keys', () => app.issuer.ready(), SOON);
  const body = JSON.stringify(CALL);
  const headers = {
    authorization: `Bearer ${await provider.sign()}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': body.length,
  };
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sent = request(`${app.url}/mcp`, { method: 'POST', headers }, (res) => {
    res.resume();
    resolve(res.statusCode);
  });
  sent.on('error', reject);
  sent.write(body.slice(0, 10));
  await waitFor(
    'the request',
    async () => (await app.metrics.registry.metrics()).includes('kcp_mcp_runtime_http_requests_in_flight 1'),
    SOON,
  );
  const drained = drainServer(app.server, app.app, 5_000);
  sent.end(body.slice(10));
  expect(await promise).toBe(200);
  await expect(drained).resolves.toBe(true);
});

test('draining cuts off what takes too long', async () => {
  const { app, answer, finish } = await startCall();
  await expect(drainServer(app.server, app.app, 20)).resolves.toBe(false);
  await expect(answer).rejects.toThrow();
  finish();
});

test('connections have a bound, and room comes back', async () => {
  const app = await startApp();
  const { port } = new URL(app.url);
  const open = (count: number) => Array.from({ length: count }, () => connect(Number(port), '127.0.0.1'));
  const connectionCount = promisify(app.server.getConnections.bind(app.server));
  const held = open(512);
  await waitFor('the connections', async () => (await connectionCount()) === 512, SOON);
  await expect(fetch(`${app.url}/healthz`)).rejects.toThrow();
  for (const socket of held) socket.destroy();
  await waitFor('room', async () => (await connectionCount()) === 0, SOON);
  expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
});
