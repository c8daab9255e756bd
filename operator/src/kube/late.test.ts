// What comes at the wrong moment: calls that waited past the end of their term, and delays that no timer can hold.
import { afterEach, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { systemClock } from './clock.ts';
import { kinds } from './testing/api.ts';
import { json, scriptedServer, status } from './testing/scripted-server.ts';
import type { ScriptedServer } from './testing/scripted-server.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name: 'a' } };
let server: ScriptedServer | undefined;
afterEach(() => server?.stop());

/** Keeps the first call waiting. Resolves, once it has come, with how to answer it. */
function holdAnswer({ answers }: ScriptedServer): () => Promise<() => void> {
  let answer: (() => void) | undefined;
  answers.push((seen, response) => {
    answer = () => {
      json(200, object)(seen, response);
    };
  });
  return () => waitFor('the first to be asked', () => answer, { deadlineMs: 5_000, intervalMs: 1 });
}

test('a call that waited for a connection until its term was over is not sent, though no signal came', async () => {
  server = await scriptedServer({ connections: 1 });
  const asked = holdAnswer(server);
  let valid = true;
  const term = server.client.withSignal(new AbortController().signal, () => valid);
  const write = () => term.apply(kinds.configMap, object, { fieldManager: 'm' });
  const first = write();
  const answer = await asked();
  const second = write();
  valid = false;
  answer();
  await first;
  await expect(second).rejects.toMatchObject({ reason: 'Aborted' });
  expect(server.requests).toHaveLength(1);
  server.answers.splice(0, 1, json(200, object));
  expect(await server.client.get(kinds.configMap, object.metadata)).toBeDefined();
});

test('a call that waits for a connection ends with its signal, without a wait for the one before it', async () => {
  server = await scriptedServer({ connections: 1 });
  const asked = holdAnswer(server);
  const { client, requests } = server;
  const first = client.get(kinds.configMap, object.metadata);
  const answer = await asked();
  const stop = new AbortController();
  const second = client.get(kinds.configMap, object.metadata, { signal: stop.signal });
  stop.abort();
  await expect(second).rejects.toMatchObject({ reason: 'Aborted' });
  answer();
  expect(await first).toMatchObject(object);
  server.answers.splice(0, 1, json(200, object));
  expect(await client.get(kinds.configMap, object.metadata)).toBeDefined();
  expect(requests).toHaveLength(2);
});

test('a Retry-After of years is no hot loop: a timer that is too long for Node does not fire at once', async () => {
  server = await scriptedServer();
  server.answers.push(status(503, 'ServiceUnavailable', {}, { 'retry-after': '99999999999' }));
  const years = 99_999_999_999_000;
  await expect(server.client.get(kinds.configMap, object.metadata)).rejects.toMatchObject({ retryAfterMs: years });
  let fired = false;
  const cancel = systemClock.after(years, () => (fired = true));
  // One that fires at once is due in 1 ms, and so before this one, which is set after it.
  await new Promise((resolve) => setTimeout(resolve, 1));
  cancel();
  expect(fired).toBe(false);
});

test.each([
  [
    'a date, by the sender’s clock',
    { 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
  ],
  ['seconds in the body alone', {}],
])('Retry-After as %s', async (_, headers) => {
  server = await scriptedServer();
  server.answers.push(status(429, 'TooManyRequests', { details: { retryAfterSeconds: 30 } }, headers));
  await expect(server.client.get(kinds.configMap, object.metadata)).rejects.toMatchObject({ retryAfterMs: 30_000 });
});
