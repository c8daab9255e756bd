// The API server is away for longer than a Lease lasts.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCase } from '../reconcile/testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from '../reconcile/testing/environment.ts';
import { openWatches, operatorRequests } from './testing/audit.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';

let env: Environment;
let operator: RunningOperator;
beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  operator = await env.startOperator({ timings: {} });
}, 600_000);
afterAll(() => env.stop());

async function unanswered(): Promise<number> {
  const counts = (await operator.metrics.text()).matchAll(/api_requests_total\{verb="\w+",code="0"\} (\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test.each([12, 120])('for %d s: a new resource is served soon after it is back', async (seconds) => {
  await (await newCase(env)).becomeReady();
  const before = await unanswered();
  const callers = openWatches(await operatorRequests(env.plane.auditLog)) + 1;
  await env.plane.kill();
  const from = performance.now();
  await delay(seconds * 1000);
  const tries = (await unanswered()) - before;
  const away = secondsSince(from);
  await env.plane.restart();
  const back = performance.now();
  const it = await newCase(env);
  await it.createSource();
  await it.createServer();
  await it.child('Deployment', 'mcp');
  expect(tries).toBeLessThan(callers * (away + 5));
  await keepFigure({ id: `killed-${seconds}`, seconds: secondsSince(back), requests: tries });
});
