import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { since } from '../kcp/counts.ts';
import type { Counts } from '../kcp/counts.ts';
import { cpuMs } from '../measure/process.ts';
import { openConnection } from './connection.ts';
import type { Connection, Outcome } from './connection.ts';
import { thinned } from './plan.ts';
import type { LoadPlan, LoadResult, PlannedRequest } from './plan.ts';

/**
 * Carries out a plan in this process.
 *
 * @throws when a connection fails: a figure from half of the connections is none
 */
export async function generate(plan: LoadPlan): Promise<LoadResult> {
  const ca = await readFile(plan.caFile);
  const connections = Array.from({ length: plan.connections }, () => openConnection(plan.origin, ca));
  try {
    const opening = plan.opening ? [plan.opening] : plan.requests;
    await drive(opening, connections, { ms: plan.warmUpMs }, () => undefined);
    return await measured(plan, connections);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

async function measured(plan: LoadPlan, connections: Connection[]): Promise<LoadResult> {
  const samples: number[] = [];
  let bytes = 0;
  let failures = 0;
  let failure: string | undefined;
  const before = await observe(plan);
  const cpu = process.cpuUsage();
  const began = performance.now();
  await drive(plan.requests, connections, plan.until, (outcome) => {
    samples.push(outcome.us);
    bytes += outcome.bytes;
    if (outcome.failure === undefined) return;
    failures++;
    failure ??= outcome.failure;
  });
  const elapsedMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const after = await observe(plan);
  return {
    requests: samples.length,
    elapsedMs: Math.round(elapsedMs),
    samplesUs: thinned(samples),
    failures,
    ...(failure === undefined ? {} : { failure }),
    bytes: Math.round(bytes / Math.max(1, samples.length)),
    generatorCpuMs: Math.round((user + system) / 1000),
    ...(before.cpuMs !== undefined && after.cpuMs !== undefined && { serverCpuMs: after.cpuMs - before.cpuMs }),
    ...(before.counts && after.counts && { kcp: since(before.counts, after.counts) }),
  };
}

/** What the server and kcp have done so far, as far as the plan wants to know. */
async function observe({ pid, countsURL }: LoadPlan): Promise<{ cpuMs?: number; counts?: Counts }> {
  const counts = countsURL === undefined ? undefined : ((await (await request(countsURL)).body.json()) as Counts);
  return { ...(pid !== undefined && { cpuMs: cpuMs(pid) }), ...(counts && { counts }) };
}

/** Keeps every connection busy until the end; each sends at least one request where time is the measure. */
async function drive(
  requests: readonly PlannedRequest[],
  connections: readonly Connection[],
  until: LoadPlan['until'],
  take: (outcome: Outcome) => void,
): Promise<void> {
  let sent = 0;
  const end = 'ms' in until ? performance.now() + until.ms : Infinity;
  const most = 'requests' in until ? until.requests : Infinity;
  await Promise.all(
    connections.map(async (connection) => {
      for (let first = true; sent < most && (first || performance.now() < end); first = false) {
        const next = requests[sent++ % requests.length];
        if (!next) throw new Error('a load plan without requests');
        take(await connection.send(next));
      }
    }),
  );
}
