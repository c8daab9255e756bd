import { ms, number } from '../../report/format.ts';
import type { Goal } from '../../report/goals.ts';
import { median, percentile } from '../../report/statistics.ts';
import { total } from '../results.ts';
import type { ContestRound, Count, OperatorResults, Rest } from '../results.ts';

/** A goal of the operator, with what operators of the same trade need for it (peers.ts). */
export interface OperatorGoal extends Goal {
  peers: string;
}

interface Row {
  what: string;
  value: number | undefined;
  atMost: number;
  show: (value: number) => string;
  peers?: string;
}

const seconds = (value: number): string => `${number(value / 1000)} s`;
const times = (value: number): string => `${number(value)} ×`;
const plain = (value: number): string => number(value);
const mb = (value: number): string => `${number(value)} MB`;

const judge = ({ what, value, atMost, show, peers = '' }: Row): OperatorGoal => ({
  what,
  where: '',
  goal: `≤ ${show(atMost).replace(/\.0+(?= |$)/, '')}`,
  measured: value === undefined ? 'not measured' : show(value),
  met: value === undefined ? undefined : value <= atMost,
  peers,
});

export function operatorGoals(results: OperatorResults): OperatorGoal[] {
  const { created, restart, drifts, contest, rotations, away } = results;
  const some = <T>(items: readonly T[]): readonly T[] | undefined => (items.length === 0 ? undefined : items);
  const back = some(drifts.map(({ ms }) => ms));
  const shared = rotations.find(({ sources }) => sources === 1);
  const apart = rotations.find(({ sources }) => sources > 1);
  return [
    judge({
      what: `${created?.resources ?? 500} created at once, until all have their children and status`,
      ...{ value: created?.totalMs, atMost: 12_000, show: seconds, peers: 'kmcp 25 s, toolhive 61 s' },
    }),
    judge({
      what: `${results.contest[0]?.operator.resources ?? 1000} created at once, to one client that makes the same writes flat out`,
      ...{ value: contest.length === 0 ? undefined : contestRatio(contest), atMost: 1.2, show: times },
    }),
    judge({
      what: 'API writes of a resource until its children and status are there, beyond one for each child and one event',
      ...{
        value: extraWrites(results),
        atMost: 2,
        show: plain,
        peers: 'kmcp 5.0 with 4 children, toolhive 20.7 with 7',
      },
    }),
    ...(['never ready', 'ready'] as const).map((pods) => restGoal(results.rests, pods)),
    judge({
      what: 'restart: writes',
      ...{ value: restart && total(restart.writes), atMost: 0, show: plain, peers: '2,505 and 2,004 with 500' },
    }),
    judge({
      what: 'restart: until the workers run',
      ...{
        value: restart?.workingMs,
        atMost: 2_000,
        show: seconds,
        peers: '0.29 s and 0.73 s, without leader election',
      },
    }),
    judge({
      what: 'API server away for 12 s: a new resource is served after it is back, the longest',
      ...{
        value: away.length === 0 ? undefined : Math.max(...away.map(({ servedMs }) => servedMs)),
        ...{ atMost: 3_000, show: seconds, peers: '10–39 s and 15–46 s' },
      },
    }),
    judge({
      what: 'one kubeconfig that all use changes: all copies updated',
      ...{ value: shared?.copiedMs, atMost: 10_000, show: seconds },
    }),
    judge({
      what: 'as many kubeconfigs as resources change: all copies updated',
      ...{ value: apart?.copiedMs, atMost: 10_000, show: seconds },
    }),
    judge({
      what: 'a hand-deleted or hand-edited child is back, p50',
      ...{ value: back && median(back), atMost: 50, show: ms, peers: 'kmcp never, toolhive 32–70 ms' },
    }),
    judge({ what: 'the same, p99', value: back && percentile(back, 0.99), atMost: 250, show: ms }),
    judge({
      what: 'resident memory after creation and at rest, the most',
      ...{ value: atRestMB(results), atMost: 150, show: mb, peers: '80 MB and 113 MB with 500' },
    }),
    judge({
      what: 'the same at any time: restarts, outages, a kubeconfig for each',
      ...{ value: mostMB(results), atMost: 150, show: mb },
    }),
  ];
}

/** Median of the rounds: what disturbs one turn disturbs its neighbour. */
export function contestRatio(contest: readonly ContestRound[]): number {
  return median(contest.map(({ operator, flatOut }) => operator.totalMs / flatOut.ms));
}

/** Status writes and whatever nobody expects, for one resource. */
export function extraWrites({ contest, created }: OperatorResults): number | undefined {
  const creation = contest.at(-1)?.operator ?? created;
  if (!creation) return undefined;
  const isChild = ({ resource, verb }: Count): boolean => !resource.includes('/') && verb === 'patch';
  const children = creation.writes.filter((count) => isChild(count) && count.count >= creation.resources).length;
  const events = 1;
  return total(creation.writes) / creation.resources - children - events;
}

function restGoal(rests: readonly Rest[], pods: Rest['pods']): OperatorGoal {
  const found = rests.find((rest) => rest.pods === pods);
  const what = `at rest for ${found?.minutes ?? 10} min, Pods ${pods}: writes but the Lease's`;
  const peers = pods === 'ready' ? '0' : '6,000 and 8,800 a minute, with 500';
  return judge({ what, value: found && total(found.writes), atMost: 0, show: plain, peers });
}

/** What is resident with all resources when nothing else has happened to them. */
export function atRestMB({ memory }: OperatorResults): number | undefined {
  const calm = memory.filter(({ after }) => after === 'creation' || after.includes('at rest'));
  return highestMB(calm.map(({ rssKiB }) => rssKiB));
}

export const mostMB = ({ memory, rotations }: OperatorResults): number | undefined =>
  highestMB([...memory, ...rotations.map((rotation) => rotation.memory)].map(({ peakKiB }) => peakKiB));

const highestMB = (kib: readonly number[]): number | undefined =>
  kib.length === 0 ? undefined : (Math.max(...kib) * 1024) / 1e6;
