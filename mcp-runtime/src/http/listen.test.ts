import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
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

/** A call that is under way, and what ends it. */
async function startCall(): Promise<{ app: TestApp; finish: () => void; answer: Promise<string> }> {
  const app = await startTestApp(provider);
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
  app.issuer.stop();
});

test('draining cuts off what takes too long', async () => {
  const { app, answer, finish } = await startCall();
  await expect(drainServer(app.server, app.app, 20)).resolves.toBe(false);
  await expect(answer).rejects.toThrow();
  finish();
  app.issuer.stop();
});

test('connections have a bound, and room comes back', async () => {
  const app = await startTestApp(provider);
  const { port } = new URL(app.url);
  const open = (count: number) => Array.from({ length: count }, () => connect(Number(port), '127.0.0.1'));
  const connectionCount = promisify(app.server.getConnections.bind(app.server));
  const held = open(512);
  await waitFor('the connections', async () => (await connectionCount()) === 512, SOON);
  await expect(fetch(`${app.url}/healthz`)).rejects.toThrow();
  for (const socket of held) socket.destroy();
  await waitFor('room', async () => (await connectionCount()) === 0, SOON);
  expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
  await app.close();
});
