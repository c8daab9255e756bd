import type { Run, Scenario, Target } from '../results.ts';
import { median, percentile, sum } from './statistics.ts';

/** What all rounds of one target in one scenario say. Times in milliseconds. */
export interface Standing {
  target: Target;
  connections: number;
  requests: number;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
  /** Processor time of the server for one request; unknown of kcp. */
  cpuPerRequest?: number;
  generatorCpuPerRequest: number;
  /** What one request caused at kcp, where kcp counts. */
  kcp?: { requests: number; handshakes: number; discovery: number };
}

/** @returns undefined where the target had no turn */
export function standing(runs: readonly Run[], scenario: Scenario, target: Target): Standing | undefined {
  const own = runs.filter((run) => run.scenario === scenario && run.target === target);
  const [first] = own;
  if (!first) return undefined;
  const requests = sum(own.map((run) => run.requests));
  const samples = own.flatMap((run) => run.samplesUs);
  const each = (total: (run: Run) => number): number => sum(own.map(total)) / requests;
  const known = own.every((run) => run.serverCpuMs !== undefined);
  const counted = own.every((run) => run.kcp !== undefined);
  return {
    target,
    connections: first.connections,
    requests,
    perSecond: requests / (sum(own.map((run) => run.elapsedMs)) / 1000),
    p50: percentile(samples, 0.5) / 1000,
    p95: percentile(samples, 0.95) / 1000,
    p99: percentile(samples, 0.99) / 1000,
    generatorCpuPerRequest: each((run) => run.generatorCpuMs),
    ...(known && { cpuPerRequest: each((run) => run.serverCpuMs ?? 0) }),
    ...(counted && {
      kcp: {
        requests: each((run) => run.kcp?.requests ?? 0),
        handshakes: each((run) => run.kcp?.handshakes ?? 0),
        discovery: each((run) => run.kcp?.discovery ?? 0),
      },
    }),
  };
}

/** How many times as many requests the one got through as the other: the median of the rounds' ratios. */
export function ratio(runs: readonly Run[], scenario: Scenario, one: Target, other: Target): number | undefined {
  const rounds = [...new Set(runs.filter((run) => run.scenario === scenario).map((run) => run.round))];
  const rate = (round: number, target: Target): number | undefined => {
    const run = runs.find((each) => each.scenario === scenario && each.round === round && each.target === target);
    return run && run.requests / run.elapsedMs;
  };
  const ratios = rounds.flatMap((round) => {
    const [a, b] = [rate(round, one), rate(round, other)];
    return a === undefined || b === undefined ? [] : [a / b];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
