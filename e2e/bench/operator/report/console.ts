import { ms, number, textTable } from '../../report/format.ts';
import { median, percentile } from '../../report/statistics.ts';
import { total } from '../results.ts';
import type { Count, CpuMs, OperatorResults } from '../results.ts';
import { operatorGoals } from './goals.ts';

/** What a person at a terminal wants to see at the end of a run. */
export function consoleTable(results: OperatorResults): string {
  const verdicts = operatorGoals(results).map(({ what, goal, measured, met }) => [
    `${met === undefined ? '–' : met ? '✓' : '✗'} ${what}`,
    measured,
    goal,
  ]);
  const { created, contest, rests, restart, rotations, memory, becomingReady, away } = results;
  const creations = [...(created ? [created] : []), ...contest.map(({ operator }) => operator)];
  const details = [
    ...creations.map(
      ({ resources, createMs, totalMs, waitsMs, writes, reads, cpuMs }) =>
        `${resources} created in ${ms(createMs)}, served in ${ms(totalMs)}, wait p50 ${ms(median(waitsMs))}, p99 ${ms(percentile(waitsMs, 0.99))}; ` +
        `writes ${list(writes)}; reads ${list(reads)}; CPU ${cpu(cpuMs)}`,
    ),
    ...contest.map(
      ({ flatOut, operator }) =>
        `flat out ${ms(flatOut.ms)} (${list(flatOut.writes)}), operator ${ms(operator.totalMs)}: ${number(operator.totalMs / flatOut.ms)} ×; CPU ${cpu(flatOut.cpuMs)}`,
    ),
    ...(becomingReady ? [`becoming ready: ${list(becomingReady.writes)}`] : []),
    ...rests.map(
      (rest) =>
        `at rest, Pods ${rest.pods}: writes ${list(rest.writes)}; Lease ${rest.lease}; reads ${list(rest.reads)}`,
    ),
    ...(restart
      ? [
          `restart: working ${ms(restart.workingMs)}, all looked at ${ms(restart.reconciledMs)}; writes ${list(restart.writes)}; reads ${list(restart.reads)}`,
        ]
      : []),
    ...away.map((one) => `away: served after ${ms(one.servedMs)}; then ${list(one.later)}`),
    ...rotations.map(
      (one) =>
        `rotation of ${one.sources}: copied ${ms(one.copiedMs)}, settled ${ms(one.settledMs)}; ${one.connections} connections; ${list(one.writes)}`,
    ),
    ...memory.map(
      (one) =>
        `after ${one.after}, ${one.resources}: ${number((one.rssKiB * 1024) / 1e6)} MB, most ${number((one.peakKiB * 1024) / 1e6)} MB; ${one.connections} connections`,
    ),
  ];
  return [textTable(['', 'measured', 'goal'], verdicts), details.join('\n')].join('\n\n');
}

const list = (counts: readonly Count[]): string =>
  `${number(total(counts))}${counts.length === 0 ? '' : ` (${counts.map(({ verb, resource, count }) => `${count} ${verb} ${resource}`).join(', ')})`}`;

const cpu = (taken: CpuMs): string =>
  Object.entries(taken)
    .map(([name, value]) => `${name} ${ms(value)}`)
    .join(', ');
