// What waits while KcpMcpServers do, so that these are served first.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { operatorRequests, type Audited } from '../faults/testing/audit.ts';
import { newCase, type Case } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 15_000, intervalMs: 20 };

test('a watch on a copy that was just made begins when no KcpMcpServer waits for a worker', async () => {
  const cases: Case[] = [];
  for (let n = 0; n < 4; n++) {
    const it = await newCase(env);
    await it.createSource();
    await it.createServer();
    cases.push(it);
  }
  const waiting: number[] = [];
  await env.startOperator({ concurrency: 1, heap: { waiting: (count) => waiting.push(count) } });
  const namespaces = new Set(cases.map(({ namespace }) => namespace));
  const asked = async (verb: string, resource: string): Promise<Audited[]> =>
    (await operatorRequests(env.plane.auditLog))
      .filter((each) => each.verb === verb && each.objectRef?.resource === resource)
      .filter(({ objectRef }) => namespaces.has(objectRef?.namespace ?? ''))
      .sort((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1));
  const all = async (verb: string, resource: string): Promise<Audited[] | undefined> => {
    const requests = await asked(verb, resource);
    return requests.length >= cases.length ? requests : undefined;
  };
  const watches = await waitFor('the watches', () => all('watch', 'secrets'), SOON);
  const applied = await waitFor('the Deployments', () => all('patch', 'deployments'), SOON);
  // One after the other: with the last one nobody waits any more.
  const lastButOne = applied.at(-2)?.requestReceivedTimestamp ?? '';
  expect((watches[0]?.requestReceivedTimestamp ?? '') > lastButOne).toBe(true);
  // Memory is made ready for as many as wait, and for nobody in the end.
  expect(Math.max(...waiting)).toBeGreaterThanOrEqual(cases.length - 1);
  await waitFor('nobody to wait', () => waiting.at(-1) === 0, SOON);
}, 60_000);
