import { parseArgs } from 'node:util';

export const parts = ['throughput', 'first', 'start', 'memory'] as const;
export type Part = (typeof parts)[number];

/** What a run measures, and for how long. */
export interface Options {
  /** Where the raw samples go. */
  json?: string;
  only: readonly Part[];
  quick: boolean;
  /** Rounds of each contest; each target gets one turn in each. */
  rounds: number;
  /** Length of a turn, in milliseconds. */
  turnMs: number;
  /** How often something that happens once is repeated: a start, a caller's first list. */
  repeats: number;
  /** How long the memory is watched under load. */
  minutes: number;
  /** Requests at a time of a caller's first list towards kcp: what the raw probes are sent with, too. */
  concurrency: number;
}

export const usage = `Usage: npm run bench -- [options]

Puts the same load on our runtime, on kubernetes-mcp-server and on kcp itself, in turns: on a synthetic kcp with 1,000
workspaces, and on a real one where KCP_BIN (or KCP_KUBECONFIG) says how to get it.

  --json FILE         write the raw samples; npm run bench:report -- FILE makes docs/benchmarks.md of them
  --only PART         ${parts.join(', ')}; may be given several times (default: all)
  --minutes N         how long the memory is watched under load (default 2; docs/benchmarks.md wants 10)
  --rounds N          turns of each target in each contest (default 5)
  --concurrency N     requests at a time of the raw probes; the runtime's own walk has 16 (default 16)
  --quick             a smoke run of less than a minute, whose figures mean nothing
  --help              this text
`;

/** @returns undefined when help was asked for. @throws on wrong flags, with a message for people. */
export function readOptions(args: string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      json: text,
      only: { type: 'string', multiple: true },
      minutes: text,
      rounds: text,
      concurrency: text,
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, only = [...parts], json } = values;
  const unknown = only.find((name) => !parts.includes(name as Part));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${parts.join(', ')}`);
  return {
    ...(json !== undefined && { json }),
    only: only as Part[],
    quick,
    rounds: positive('rounds', values.rounds) ?? (quick ? 1 : 5),
    turnMs: quick ? 400 : 4_000,
    repeats: quick ? 1 : 10,
    minutes: positive('minutes', values.minutes) ?? (quick ? 0.1 : 2),
    concurrency: positive('concurrency', values.concurrency) ?? 16,
  };
}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!(Number(value) > 0)) throw new Error(`--${name} ${value}: must be a number above 0`);
  return Number(value);
}
