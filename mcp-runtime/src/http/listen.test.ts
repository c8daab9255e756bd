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
