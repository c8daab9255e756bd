import { readFile } from 'node:fs/promises';
import type { LoadResult } from './load/plan.ts';
import type { Machine } from './measure/machine.ts';

/** Which kcp was behind the servers: the synthetic one, or a real one. */
export type Place = 'synthetic' | 'real';

/** What got the load: our runtime in the era of MCP that both servers speak and in the newer one, the upstream server, kcp itself. */
export type Target = 'ours' | 'ours-2026-07-28' | 'peer' | 'raw';

/** One round of load on one target. Those of a scenario alternate, so that what disturbs one disturbs all. */
export interface Run extends LoadResult {
  place: Place;
  scenario: Scenario;
  target: Target;
  connections: number;
  /** From 1. */
  round: number;
}

export type Scenario =
  'resources_list' | 'resources_list-1' | 'resources_list-apart' | 'workspaces_list' | 'tools_list';

/** One caller's first list of workspaces, or the probes that it takes at least, sent straight to kcp. */
export interface FirstList {
  place: Place;
  /**
   * Ours by walking the tree, ours by asking about each workspace of the index; straight to kcp, one probe of each workspace,
   * and one list of the children of each, which is what a walk asks for.
   */
  target: 'ours' | 'ours-index' | 'raw' | 'raw-lists';
  /** How long kcp held every answer back, in milliseconds. */
  delayMs: number;
  /** Requests at a time towards kcp. */
  concurrency: number;
  ms: number;
  /** What reached kcp; unknown of a real one. */
  kcpRequests?: number;
}

/** One start, from the spawn to the first answer that says ready. */
export interface Start {
  target: 'ours' | 'peer' | 'peer-tree' | 'ours-100m' | 'peer-100m';
  ms: number;
  /** Processor time until then. */
  cpuMs: number;
}

export interface MemorySample {
  atMs: number;
  /** Resident, pages of files included. */
  rssKiB: number;
  /** What can't be dropped. */
  anonymousKiB: number;
  /** Of the control group, as kubelet counts it. */
  workingSetKiB?: number;
}

/** Memory of our runtime under load, every few seconds. */
export interface MemoryRun {
  minutes: number;
  /** Limit of the control group, in MiB; absent where none could be made. */
  limitMiB?: number;
  samples: MemorySample[];
  oomKills?: number;
  requests: number;
  failures: number;
  failure?: string;
}

/** What a real kcp was. */
export interface RealKcp {
  version: string;
  workspaces: number;
}

/** Everything that one run of the benchmark measured. */
export interface Results {
  format: 1;
  /** RFC 3339. */
  date: string;
  command: string;
  /** Of this repository; with `+` where files were changed. */
  commit: string;
  machine: Machine;
  /** Whether it was a smoke run, whose figures mean little. */
  quick: boolean;
  synthetic: { workspaces: number };
  real?: RealKcp;
  runs: Run[];
  firstLists: FirstList[];
  starts: Start[];
  memory?: MemoryRun;
}

/** @throws when the file isn't a result of this version of the benchmark */
export async function readResults(file: string): Promise<Results> {
  const results = JSON.parse(await readFile(file, 'utf8')) as Results;
  if ((results.format as number | undefined) !== 1)
    throw new Error(`${file} is no result of this benchmark: format must be 1`);
  return results;
}

/** JSON with a line for each sample set: large, but readable and kind to diffs. */
export function formatResults(results: object): string {
  const lines = (items: readonly unknown[]): string =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  const fields = Object.entries(results as Record<string, unknown>).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${Array.isArray(value) ? lines(value) : JSON.stringify(value)}`,
  );
  return `{\n${fields.join(',\n')}\n}\n`;
}
