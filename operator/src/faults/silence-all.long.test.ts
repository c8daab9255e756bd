// For five minutes no packet gets through, and nobody is told: a cable is cut.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase } from '../reconcile/testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { openWatches, operatorRequests } from './testing/audit.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts';

const FIVE_MINUTES = 300_000;
const RENEW_DEADLINE = 10_000;

let env: Environment;
let proxy: TcpProxy;
beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  proxy = await startTcpProxy(env.plane.url);
}, 600_000);
afterAll(async () => {
  await env.stop();
  await proxy.close();
});

test('the leader gives up in time, asks now and then, and is back soon after the network is', async () => {
  const operator = await env.startOperator({ url: proxy.url, timings: {} });
  const it = await newCase(env);
  await it.becomeReady();
  const before = proxy.connections();
  const callers = openWatches(await operatorRequests(env.plane.auditLog)) + 1;
  proxy.silence('all');
  const from = performance.now();
  await it.remove('Service', `${NAME}-mcp`);
  await waitFor('the leader to give up', () => !operator.isLeader(), { deadlineMs: RENEW_DEADLINE + 5_000 });
  await delay(FIVE_MINUTES - secondsSince(from) * 1000);
  const connections = proxy.connections() - before;
  // All want to connect, each for 5 s and then again within 2.
  expect(connections).toBeLessThan(callers * (300 / 5));
  proxy.heal();
  const back = performance.now();
  await waitFor('the Service', () => it.find('Service', `${NAME}-mcp`), { deadlineMs: 30_000, intervalMs: 20 });
  await keepFigure({ id: 'silent', seconds: secondsSince(back), requests: connections });
  await it.condition('Ready', 'True');
  expect(operator.isLeader()).toBe(true);
});
