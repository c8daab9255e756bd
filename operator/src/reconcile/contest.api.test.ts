// Somebody who doesn't stop changing what is ours, on a real API server: the writes are bounded, and the status says who.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { operatorRequests } from '../faults/testing/audit.ts';
import { NAME, newCase, type Case } from './testing/case.ts';
import { CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 20_000, intervalMs: 20 };
/** A repair may be due in twice the time that the contest has taken. */
const LATER = { deadlineMs: 40_000, intervalMs: 50 };

/** The operator's requests that changed an object, but those of Events. */
async function writesTo(it: Case, uri: string): Promise<number> {
  return (await operatorRequests(env.plane.auditLog))
    .filter(({ verb }) => ['patch', 'create'].includes(verb))
    .filter(({ requestURI }) => requestURI.startsWith(it.path(uri, ''))).length;
}

/** Repairs in a contest of so long, as docs/adr/0023 has it: five at once, then after 1, 3, 7 … seconds; and one that is due. */
const mostRepairs = (sinceMs: number): number =>
  5 + Math.floor(Math.log2((performance.now() - sinceMs) / 1000 + 1)) + 1;

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
  const created = await writesTo(it, 'Service');
  const since = performance.now();
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

  // Further repairs come, and the status says the same.
  const said = await it.condition('Exposed', 'False', 'Contested');
  const before = thief.changes();
  await waitFor('another round', () => Promise.resolve(thief.changes() > before), LATER);
  expect(await it.condition('Exposed', 'False', 'Contested')).toEqual(said);
  expect((await writesTo(it, 'Service')) - created).toBeLessThanOrEqual(mostRepairs(since));

  await thief.stop();
  await waitFor(
    'the selector to be put right',
    async () => JSON.stringify(await selector()) === JSON.stringify(right),
    LATER,
  );
}, 120_000);

test('the status: an Event says so, since the status cannot', async () => {
  const it = await served();
  const earlier = await writesTo(it, 'KcpMcpServer');
  const since = performance.now();
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
  // And two of what the status has to say besides.
  expect((await writesTo(it, 'KcpMcpServer')) - earlier).toBeLessThanOrEqual(mostRepairs(since) + 2);
  await waitFor('the URL to be put right', isRight, LATER);
}, 120_000);

test('an object that somebody keeps deleting', async () => {
  const it = await served();
  const created = await writesTo(it, 'ServiceAccount');
  const since = performance.now();
  const there = async () => (await it.find('ServiceAccount', `${NAME}-mcp`)) !== undefined;
  const thief = fighter(there, () => it.remove('ServiceAccount', `${NAME}-mcp`).catch(() => undefined));
  const { message } = await it.condition('Available', 'False', 'Contested');
  expect(message).toContain(`ServiceAccount ${it.namespace}/${NAME}-mcp is deleted again and again`);
  await thief.stop();
  expect((await writesTo(it, 'ServiceAccount')) - created).toBeLessThanOrEqual(mostRepairs(since));
  await waitFor('it to be back', there, LATER);
}, 120_000);
