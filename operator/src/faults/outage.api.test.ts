// The way to the API server fails: it is killed, says nothing any more, asks to be left alone, or answers nonsense.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { SERVICE } from '../api/external.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { NAME, newCase, type Case } from '../reconcile/testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type OperatorSettings,
  type RunningOperator,
} from '../reconcile/testing/environment.ts';
import { isWork, openWatches, operatorRequests } from './testing/audit.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';
import { startHttpProxy, type HttpProxy } from './testing/http-proxy.ts';
import { startTcpProxy } from './testing/tcp-proxy.ts';

const SOON = { deadlineMs: 20_000, intervalMs: 10 };

let env: Environment;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => env.stop());

/** An operator of its own, with the timings of every day, and a KcpMcpServer that it has made ready. */
async function ready(settings: OperatorSettings = {}): Promise<{ it: Case; operator: RunningOperator }> {
  const it = await newCase(env);
  const operator = await env.startOperator({
    namespaces: [it.namespace],
    timings: {},
    leaderElect: false,
    ...settings,
  });
  closing.push(() => operator.stop());
  await it.becomeReady();
  return { it, operator };
}

/** How many requests got no answer. */
async function unanswered(operator: RunningOperator): Promise<number> {
  const counts = (await operator.metrics.text()).matchAll(/api_requests_total\{verb="\w+",code="0"\} (\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('the API server is killed: asked for now and then, and served soon after it is back', async () => {
  const { it, operator } = await ready({ leaderElect: true, namespaces: [] });
  const before = await unanswered(operator);
  const callers = openWatches(await operatorRequests(env.plane.auditLog)) + 1;
  expect(callers).toBeGreaterThan(10);
  await env.plane.kill();
  const from = performance.now();
  // All watches and the Lease; with pauses of 1 to 2 s between tries, and a few shorter ones at first.
  await waitFor('the operator to be at its longest pauses', () => secondsSince(from) > 5, SOON);
  const tries = (await unanswered(operator)) - before;
  expect(tries).toBeGreaterThan(callers);
  expect(tries).toBeLessThan(callers * (5 + 5));
  await env.plane.restart();
  const back = performance.now();
  await it.remove('Service', `${NAME}-mcp`);
  await it.child('Service', 'mcp');
  await keepFigure({ id: 'killed', seconds: secondsSince(back), requests: tries });
  await (await newCase(env)).becomeReady();
}, 60_000);

test('a watch that says nothing is given up after 100 s by the clock, and what was missed is seen', async () => {
  const proxy = await startTcpProxy(env.plane.url);
  closing.push(() => proxy.close());
  const clock = new FakeClock();
  const { it } = await ready({ url: proxy.url, clock });
  /** Lets so much time pass, in steps, between which real requests are answered. */
  const pass = async (ms: number, step: number, until: () => Promise<boolean>): Promise<boolean> => {
    for (const end = clock.monotonic() + ms; clock.monotonic() < end;) {
      if (await until()) return true;
      await clock.advance(step);
    }
    return false;
  };
  const { metadata } = await it.child('Service', 'mcp');
  const replaced = async () =>
    ((await it.find('Service', `${NAME}-mcp`))?.metadata.uid ?? metadata.uid) !== metadata.uid;
  proxy.silence('open');
  await it.remove('Service', `${NAME}-mcp`);
  const from = clock.monotonic();
  expect(await pass(95_000, 5_000, replaced)).toBe(false);
  // Then the watches, and with the first call that finds its connection dead, after 15 s, the calls.
  expect(await pass(60_000, 50, replaced)).toBe(true);
  expect((clock.monotonic() - from) / 1000).toBeLessThan(135);
}, 60_000);

test('429 of API Priority and Fairness: nobody asks again before Retry-After, and all is well when there is room', async () => {
  const { it, operator } = await ready();
  const flowControl = '/apis/flowcontrol.apiserver.k8s.io/v1';
  const jail = { metadata: { name: 'jail' } };
  // No seat and a queue for one, who waits for 15 s: everybody else is refused.
  const limitResponse = { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } };
  const limited = { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse };
  const subjects = [
    { kind: 'ServiceAccount', serviceAccount: { namespace: 'kcp-mcp-operator-system', name: 'kcp-mcp-operator' } },
  ];
  const resourceRules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }];
  const schema = {
    priorityLevelConfiguration: { name: 'jail' },
    matchingPrecedence: 10,
    rules: [{ subjects, resourceRules }],
  };
  const create = (plural: string, spec: object) =>
    env.api.request(`${flowControl}/${plural}`, { method: 'POST', body: { ...jail, spec } });
  await create('prioritylevelconfigurations', { type: 'Limited', limited });
  await create('flowschemas', schema);
  const refused = async () =>
    (await operatorRequests(env.plane.auditLog)).filter(({ responseStatus }) => responseStatus?.code === 429);
  await waitFor(
    'the queue to be full',
    async () => {
      void operator.client.get(SERVICE, { namespace: it.namespace, name: 'none' }).catch(() => undefined);
      return (await refused()).length > 0;
    },
    { ...SOON, intervalMs: 100 },
  );
  await it.remove('Service', `${NAME}-mcp`);
  await waitFor(
    'the operator to be refused three times',
    async () => (await refused()).filter(isWork).length >= 3,
    SOON,
  );
  await env.api.request(`${flowControl}/flowschemas/jail`, { method: 'DELETE' });
  const back = performance.now();
  await it.child('Service', 'mcp');
  await keepFigure({ id: 'throttled', seconds: secondsSince(back), requests: (await refused()).length });

  const tries = (await refused()).filter(isWork);
  for (const [i, { requestReceivedTimestamp }] of tries.slice(1).entries()) {
    const waited = Date.parse(requestReceivedTimestamp) - Date.parse(tries[i]?.stageTimestamp ?? '');
    expect(waited).toBeGreaterThanOrEqual(995);
  }
}, 60_000);

describe('a load balancer that answers for the API server', () => {
  let proxy: HttpProxy;
  const through = async (): Promise<{ it: Case }> => {
    proxy = await startHttpProxy(env.plane.url, env.plane.caFile);
    closing.push(() => proxy.close());
    return ready({ url: proxy.url });
  };
  const patches = () => proxy.requests.filter(({ method, url }) => method === 'PATCH' && url.includes('/services/'));

  test('503 with Retry-After: nobody asks earlier', async () => {
    const { it } = await through();
    const before = patches().length;
    proxy.refuse = ({ method }) => (method === 'PATCH' ? { status: 503, headers: { 'retry-after': '1' } } : undefined);
    await it.remove('Service', `${NAME}-mcp`);
    await waitFor('three tries', () => patches().length >= before + 3, SOON);
    proxy.refuse = undefined;
    const back = performance.now();
    await it.child('Service', 'mcp');
    await keepFigure({ id: 'unavailable', seconds: secondsSince(back), requests: patches().length - before - 1 });
    const at = patches().slice(before).map((each) => each.at); // prettier-ignore
    for (const [i, each] of at.slice(1).entries()) expect(each - (at[i] ?? 0)).toBeGreaterThanOrEqual(995);
  });

  test('500 without a word: growing pauses, and nothing is lost', async () => {
    const { it } = await through();
    const before = proxy.requests.length;
    proxy.refuse = ({ method, url }) => (method === 'PATCH' || url.includes('watch') ? { status: 500 } : undefined);
    await it.remove('Service', `${NAME}-mcp`);
    const from = performance.now();
    await waitFor('some tries', () => secondsSince(from) > 4, SOON);
    const tries = proxy.requests.length - before;
    expect(tries).toBeLessThan(20);
    proxy.refuse = undefined;
    const back = performance.now();
    await it.child('Service', 'mcp');
    await keepFigure({ id: 'broken', seconds: secondsSince(back), requests: tries });
    await it.condition('Ready', 'True');
  });
});
