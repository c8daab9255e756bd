// Somebody who doesn't stop changing what is ours, on a real API server: the writes are bounded, and the status says who.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase, type Case } from './testing/case.ts';
import { CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 20_000, intervalMs: 20 };

/** The operator's requests that changed an object, but those of Events. */
async function writesTo(it: Case, uri: string): Promise<number> {
  const lines = (await readFile(env.plane.auditLog, 'utf8')).split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as { verb: string; user: { username: string }; requestURI: string })
    .filter(({ user, verb }) => user.username.endsWith(':kcp-mcp-operator') && ['patch', 'create'].includes(verb))
    .filter(({ requestURI }) => requestURI.startsWith(it.path(uri, ''))).length;
}

/** Does `change` whenever `isRight`, until it is stopped. */
function fighter(isRight: () => Promise<boolean>, change: () => Promise<unknown>) {
  const ending = new AbortController();
  let changes = 0;
  const running = (async () => {
    while (!ending.signal.aborted) {
      if (await isRight()) {
        await change();
        changes += 1;
      }
    }
  })();
  return {
    changes: () => changes,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

async function served(): Promise<Case> {
  const it = await newCase(env);
  await it.createSource();
  await it.createServer({ tls: { secretName: 'theirs' } });
  await it.child('Deployment', 'mcp');
  await it.runPods();
  await it.condition('Exposed', 'True');
  return it;
}

test('a field: repairs at once at first, then ever later; the condition and an Event name manager and field', async () => {
  const it = await served();
  const selector = async () => (await it.child('Service', 'mcp')).spec?.['selector'] as Record<string, string>;
  const right = await selector();
  const isRight = async () => (await selector())['app.kubernetes.io/instance'] === NAME;
  const thief = fighter(isRight, () =>
    env.api.request(`${it.path('Service', `${NAME}-mcp`)}?fieldManager=thief`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { spec: { selector: { 'app.kubernetes.io/instance': 'stolen' } } },
    }),
  );
  const { message } = await it.condition('Exposed', 'False', 'Contested');
  expect(message).toContain(`Service ${it.namespace}/${NAME}-mcp: field manager "thief" keeps changing spec.selector`);
  await it.condition('Ready', 'False', 'Contested');
  await it.condition('Reconciling', 'True', 'Contested');
  const warned = async () => (await it.events()).find(({ reason }) => reason === 'Contested');
  expect((await waitFor('an Event', warned, SOON)).note).toContain(
    'field manager "thief" keeps changing spec.selector',
  );

  // Two more repairs, a second and then two after the one before: the status says the same in between.
  const version = (await it.server()).metadata.resourceVersion;
  const before = thief.changes();
  await waitFor('two more rounds', () => Promise.resolve(thief.changes() >= before + 2), SOON);
  expect((await it.server()).metadata.resourceVersion).toBe(version);
  // Created, five repairs at once, and those.
  expect(await writesTo(it, 'Service')).toBeLessThanOrEqual(1 + 5 + 3);

  await thief.stop();
  await waitFor(
    'the selector to be put right',
    async () => JSON.stringify(await selector()) === JSON.stringify(right),
    SOON,
  );
}, 60_000);

test('the status: an Event says so, since the status cannot', async () => {
  const it = await served();
  const url = async () => (await it.server()).status?.url;
  const isRight = async () => (await url()) === 'https://mcp.vespucci.example.com/mcp';
  const thief = fighter(isRight, () =>
    env.api.request(`${it.path('KcpMcpServer', NAME)}/status?fieldManager=thief`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { status: { url: 'https://evil.example.com/mcp' } },
    }),
  );
  const warned = async () => (await it.events()).find(({ reason }) => reason === 'Contested');
  const { note } = await waitFor('an Event', warned, SOON);
  expect(note).toContain(
    `KcpMcpServer ${it.namespace}/${NAME}: field manager "thief (status)" keeps changing status.url`,
  );
  await thief.stop();
  expect(await writesTo(it, 'KcpMcpServer')).toBeLessThanOrEqual(6 + 5 + 3);
  await waitFor('the URL to be put right', isRight, SOON);
}, 60_000);

test('an object that somebody keeps deleting', async () => {
  const it = await served();
  const there = async () => (await it.find('ServiceAccount', `${NAME}-mcp`)) !== undefined;
  const thief = fighter(there, () => it.remove('ServiceAccount', `${NAME}-mcp`).catch(() => undefined));
  const { message } = await it.condition('Available', 'False', 'Contested');
  expect(message).toContain(`ServiceAccount ${it.namespace}/${NAME}-mcp is deleted again and again`);
  await thief.stop();
  expect(await writesTo(it, 'ServiceAccount')).toBeLessThanOrEqual(1 + 5 + 3);
  await waitFor('it to be back', there, SOON);
}, 60_000);
