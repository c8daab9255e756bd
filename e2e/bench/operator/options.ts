import { parseArgs } from 'node:util';

/** In the order in which they run: each leaves behind what the next begins with. */
export const stages = ['created', 'contest', 'rest', 'restart', 'away', 'drift', 'rotation', 'sources'] as const;
export type Stage = (typeof stages)[number];

/** What a run measures, and for how long. */
export interface Options {
  /** Where the raw samples go. */
  json?: string;
  only: readonly Stage[];
  quick: boolean;
  /** KcpMcpServers of all stages but `created`, which has half as many. */
  resources: number;
  /** Turns of the operator and of the flat-out client in the contest. */
  rounds: number;
  /** Length of each of the two stages at rest. */
  minutes: number;
  /** How many children are deleted or edited by hand. */
  drifts: number;
  /** Node's flags for the operator, `--cpu-prof` for example. */
  nodeFlags: readonly string[];
}

export const usage = `Usage: npm run bench:operator -- [options]

Runs the built operator (npm run build) on a real etcd and kube-apiserver without a node, and counts its requests in the API
server's audit log. What a Deployment controller and cert-manager would write is written by the benchmark.

  --json FILE         write the raw samples; npm run bench:report -- FILE… makes docs/benchmarks.md of them
  --only STAGE        ${stages.join(', ')}; may be given several times (default: all)
  --resources N       KcpMcpServers (default 1000; stage created has half as many)
  --rounds N          rounds of the contest with the flat-out client; even, so that each goes first as often (default 4)
  --minutes N         length of each stage at rest (default 10)
  --drifts N          children that are deleted or edited by hand (default 300)
  --node-flag FLAG    a flag of Node for the operator, such as --cpu-prof; may be given several times
  --quick             a smoke run of about a minute, whose figures mean nothing
  --help              this text
`;

/** @returns undefined when help was asked for. @throws on wrong flags, with a message for people. */
export function readOptions(args: string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args,
    options: {
      json: text,
      only: list,
      resources: text,
      rounds: text,
      minutes: text,
      drifts: text,
      'node-flag': list,
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, only = [...stages], json } = values;
  const unknown = only.find((name) => !stages.includes(name as Stage));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${stages.join(', ')}`);
  const whole = (name: 'resources' | 'rounds' | 'drifts', otherwise: number): number =>
    Math.ceil(positive(name, values[name]) ?? otherwise);
  return {
    ...(json !== undefined && { json }),
    only: stages.filter((stage) => only.includes(stage)),
    quick,
    resources: whole('resources', quick ? 20 : 1_000),
    rounds: whole('rounds', quick ? 1 : 4),
    minutes: positive('minutes', values.minutes) ?? (quick ? 0.1 : 10),
    drifts: whole('drifts', quick ? 12 : 300),
    nodeFlags: values['node-flag'] ?? [],
  };
}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!(Number(value) > 0)) throw new Error(`--${name} ${value}: must be a number above 0`);
  return Number(value);
}
