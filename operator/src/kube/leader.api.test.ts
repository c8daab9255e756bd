import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import type { ControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { KubeClient } from './client.ts';
import { createEventRecorder, eventResource } from './events.ts';
import { createLeaderElection } from './leader.ts';
import type { LeaderElection, LeaderElectionOptions } from './leader.ts';
import { leaseResource } from './lease.ts';
import type { Lease } from './lease.ts';
import { kinds, testClient } from './testing/api.ts';
import type { ConfigMap } from './testing/api.ts';
import type { KubeObject } from './types.ts';

const quick = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 300 };
const soon = { deadlineMs: 15_000, intervalMs: 10 };

let plane: ControlPlane;
const clients: KubeClient[] = [];
const elections: LeaderElection[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
}, 120_000);
afterAll(async () => {
  await Promise.all(elections.map((election) => election.stop()));
  await Promise.all(clients.map((client) => client.close()));
  await plane.stop();
});

async function candidate(
  identity: string,
  options: Partial<LeaderElectionOptions> = {},
): Promise<{ election: LeaderElection; client: KubeClient }> {
  const client = await testClient(plane.kubeconfig, identity);
  clients.push(client);
  const election = createLeaderElection({
    client,
    namespace: 'default',
    name: 'election',
    identity,
    onElected: () => undefined,
    onLost: () => undefined,
    ...quick,
    ...options,
  });
  elections.push(election);
  election.start();
  return { election, client };
}

const configMap = (value: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'work', namespace: 'default' },
  data: { value },
});

test('a leader whose lease is taken writes nothing any more; a new one takes over when the holder is silent', async () => {
  const failures: unknown[] = [];
  let wrote = 0;
  const a = await candidate('leader-a', {
    onElected: async (term) => {
      const client = a.client.withSignal(term, () => a.election.isLeader());
      while (!term.aborted) {
        await client
          .apply(kinds.configMap, configMap(String(wrote)), { fieldManager: 'test' })
          .then(() => (wrote += 1))
          .catch((error: unknown) => failures.push(error));
      }
      // who doesn't look at the signal is stopped by the client
      await client.get(kinds.configMap, configMap('').metadata).catch((error: unknown) => failures.push(error));
    },
  });
  await waitFor('the first leader to work', () => wrote > 3, soon);
  const b = await candidate('leader-b');
  await waitFor('the second to see the first', () => b.election.leader() === 'leader-a', soon);
  expect(b.election.isLeader()).toBe(false);

  const client = await testClient(plane.kubeconfig, 'thief');
  clients.push(client);
  const lease = await waitFor(
    'the lease',
    () => client.get<Lease>(leaseResource, { namespace: 'default', name: 'election' }),
    soon,
  );
  await client.apply(
    leaseResource,
    {
      ...lease,
      metadata: { name: 'election', namespace: 'default' },
      spec: { holderIdentity: 'thief', leaseDurationSeconds: 3 },
    },
    { fieldManager: 'thief', force: true },
  );
  await waitFor('the loss to be noticed', () => !a.election.isLeader(), soon);
  const written = wrote;
  await waitFor('another to lead', () => [a, b].some(({ election }) => election.isLeader()), soon);
  expect(failures.map(String).every((failure) => failure.includes('aborted'))).toBe(true);
  expect(failures.length).toBeGreaterThan(0);
  if (b.election.isLeader()) expect(wrote).toBe(written);
}, 60_000);

test('stopping hands over at once', async () => {
  await waitFor('a leader', () => elections.some((election) => election.isLeader()), soon);
  const [leader, other] = elections.toSorted((x, y) => Number(y.isLeader()) - Number(x.isLeader()));
  const from = performance.now();
  await leader?.stop();
  await waitFor('the other to lead', () => other?.isLeader(), soon);
  expect(performance.now() - from).toBeLessThan(quick.leaseDurationMs);
});

test('the audit log tells which replica wrote', async () => {
  const lines = (await readFile(plane.auditLog, 'utf8')).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { userAgent?: string; objectRef?: { name?: string } });
  const agents = events.filter(({ objectRef }) => objectRef?.name === 'work').map(({ userAgent }) => userAgent);
  expect(agents).toContain('kube-test/0 (leader-a)');
});

test('events are accepted by the API server, their series too', async () => {
  const client = await testClient(plane.kubeconfig);
  clients.push(client);
  const regarding = await client.apply(kinds.configMap, configMap('x'), { fieldManager: 'test', force: true });
  const recorder = createEventRecorder({ client, controller: 'example.com/test', instance: 'pod-1' });
  for (let i = 0; i < 3; i++) {
    recorder.event({ regarding, type: 'Warning', reason: 'Conflict', action: 'Reconcile', note: 'x'.repeat(3_000) });
  }
  await recorder.stop();
  interface Event extends KubeObject {
    regarding: { name: string };
    series?: { count: number };
    note: string;
  }
  const { items } = await client.list<Event>(eventResource, { namespace: 'default' });
  const ours = items.filter((event) => event.regarding.name === 'work');
  expect(ours).toMatchObject([{ series: { count: 3 }, regarding: { uid: regarding.metadata.uid }, type: 'Warning' }]);
});
