import { readFile } from 'node:fs/promises';
import type { Machine } from '../measure/machine.ts';

/** Of one process, in KiB: resident now, and the most that ever was. */
export interface MemoryOf {
  rssKiB: number;
  peakKiB: number;
}

/** So many requests of one sort: verb and plural, `patch deployments`, `create events`. */
export interface Count {
  verb: string;
  resource: string;
  count: number;
}

/** Processor time that each program took meanwhile, in milliseconds: it says more than the time on a machine that has other work. */
export type CpuMs = Record<'operator' | 'kube-apiserver' | 'etcd' | 'bench', number>;

/** KcpMcpServers that were created all at once. Times are in milliseconds. */
export interface Creation {
  resources: number;
  /** From the first create until the last one was answered. */
  createMs: number;
  /** From the first create until all children of all were applied, and their status after that. */
  totalMs: number;
  /** Of each: from the answer to its create until its status was written after its last child. */
  waitsMs: number[];
  writes: Count[];
  reads: Count[];
  /** Until all was written, events too. */
  cpuMs: CpuMs;
}

/** One turn of the operator and of the client that makes the same writes flat out. */
export interface ContestRound {
  operator: Creation;
  flatOut: { ms: number; writes: Count[]; cpuMs: CpuMs };
}

export interface Rest {
  pods: 'never ready' | 'ready';
  resources: number;
  minutes: number;
  /** Without those of the Lease. */
  writes: Count[];
  lease: number;
  reads: Count[];
  /** At the end. */
  memory: MemoryOf;
  connections: number;
}

export interface Restart {
  resources: number;
  /** From the spawn until the workers run. */
  workingMs: number;
  /** From the spawn until each resource was looked at once. */
  reconciledMs: number;
  writes: Count[];
  reads: Count[];
}

/** The API server was killed, came back, and a KcpMcpServer was created at once. */
export interface Away {
  awayMs: number;
  /** From when the API server was ready again until the new resource had all children and its status. */
  servedMs: number;
  writes: Count[];
  /** Whatever was written in the 30 s after that. */
  later: Count[];
}

export interface Drift {
  how: 'deleted' | 'edited';
  resource: string;
  /** From the answer to the request of the hand until the answer to that of the operator. */
  ms: number;
}

/** A kubeconfig changed at its source, or at its sources. */
export interface Rotation {
  resources: number;
  sources: number;
  /** From when the (first) source was changed until the last copy was. */
  copiedMs: number;
  /** Until nothing more was written: status and events, too. */
  settledMs: number;
  writes: Count[];
  memory: MemoryOf;
  connections: number;
}

export interface MemorySample extends MemoryOf {
  /** What was just done. */
  after: string;
  resources: number;
  connections: number;
}

/** Everything that one run measured. */
export interface OperatorResults {
  format: 1;
  of: 'operator';
  /** RFC 3339. */
  date: string;
  command: string;
  commit: string;
  machine: Machine;
  versions: { operator: string; kubernetes: string };
  quick: boolean;
  /** Processes that were ready to run, a minute's average, before each stage: what else the machine was busy with. */
  load: { stage: string; average: number }[];
  created?: Creation;
  contest: ContestRound[];
  /** What becoming ready took on top of the last creation, for all resources: cert-manager's and the Pods' status changed. */
  becomingReady?: { resources: number; writes: Count[] };
  rests: Rest[];
  restart?: Restart;
  away: Away[];
  drifts: Drift[];
  rotations: Rotation[];
  memory: MemorySample[];
}

/** The results in a file, if it is of this benchmark. */
export async function readOperatorResults(file: string): Promise<OperatorResults | undefined> {
  const results = JSON.parse(await readFile(file, 'utf8')) as OperatorResults;
  return (results.of as string | undefined) === 'operator' ? results : undefined;
}

/** How much there was of each sort, most first. */
export function countOf(requests: readonly { verb: string; resource: string }[]): Count[] {
  const counts = new Map<string, Count>();
  for (const { verb, resource } of requests) {
    const key = `${verb} ${resource}`;
    const count = counts.get(key) ?? { verb, resource, count: 0 };
    count.count += 1;
    counts.set(key, count);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.resource < b.resource ? -1 : 1));
}

export const total = (counts: readonly Count[]): number => counts.reduce((sum, { count }) => sum + count, 0);
