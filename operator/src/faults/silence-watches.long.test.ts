// For five minutes nothing comes through on connections that were open, and nobody is told: a firewall has forgotten them.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase } from '../reconcile/testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { openWatches, operatorRequests } from './testing/audit.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts';

const FIVE_MINUTES = 300_000;

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

test('the leader stays, and sees by itself within two minutes what it missed', async () => {
  const operator = await env.startOperator({ url: proxy.url, timings: {} });
  const it = await newCase(env);
  await it.becomeReady();
  const before = proxy.connections();
  const watches = openWatches(await operatorRequests(env.plane.auditLog));
  proxy.silence('open');
  const from = performance.now();
  await it.remove('Service', `${NAME}-mcp`);
  await waitFor('the Service', () => it.find('Service', `${NAME}-mcp`), { deadlineMs: 120_000, intervalMs: 200 });
  const seconds = secondsSince(from);
  await delay(FIVE_MINUTES - secondsSince(from) * 1000);
  const connections = proxy.connections() - before;
  // A new one for each watch, and some for the calls, and one more where the API server ended a watch meanwhile.
  expect(connections).toBeLessThan(watches * 2 + 20);
  await keepFigure({ id: 'silent-watches', seconds, requests: connections });
  // Whatever the old connections held comes late, and changes nothing.
  proxy.heal();
  await it.remove('Service', `${NAME}-mcp`);
  await it.child('Service', 'mcp');
  await it.condition('Ready', 'True');
  expect(operator.isLeader()).toBe(true);
});
