import { ms, number, short } from '../../report/format.ts';
import { percentile } from '../../report/statistics.ts';
import { barChart, lineChart } from '../../report/svg.ts';
import type { OperatorResults } from '../results.ts';

/** Of operators of the same trade, with 500 resources (see goals.ts): until all have Deployment and Service. */
const peersMs = { kmcp: 25_200, toolhive: 61_000 };

/** The plots of the operator's section by file name; only of what was measured. */
export function operatorPlots(results: OperatorResults): Map<string, string> {
  const found = new Map<string, string>();
  const { created, contest, drifts, memory } = results;
  if (created || contest.length > 0) found.set('operator-created.svg', creation(results));
  if (drifts.length > 0) found.set('operator-drift.svg', back(results));
  if (memory.length > 0) found.set('operator-memory.svg', resident(results));
  return found;
}

function creation({ created, contest }: OperatorResults): string {
  const ours = (label: string, value: number) => ({ label, tone: 'ours' as const, value, text: ms(value) });
  const groups = [
    ...(created
      ? [
          {
            label: `${number(created.resources)} at once (the peers' with 500)`,
            bars: [
              ours('ours', created.totalMs),
              ...Object.entries(peersMs).map(([label, value]) => ({
                label,
                tone: 'peer' as const,
                value,
                text: ms(value),
              })),
            ],
          },
        ]
      : []),
    ...contest.map(({ operator, flatOut }, index) => ({
      label: `${number(operator.resources)} at once, round ${index + 1}`,
      bars: [
        ours('ours', operator.totalMs),
        { label: 'the same writes flat out', tone: 'raw' as const, value: flatOut.ms, text: ms(flatOut.ms) },
      ],
    })),
  ];
  return barChart({ title: 'Until all children and status are written', axis: 'seconds', groups });
}

function back({ drifts }: OperatorResults): string {
  const shares = Array.from({ length: 100 }, (_, index) => (index + 1) / 100);
  const series = (['deleted', 'edited'] as const).flatMap((how) => {
    const times = drifts.filter((drift) => drift.how === how).map((drift) => Math.max(0.1, drift.ms));
    if (times.length === 0) return [];
    const points = shares.map((share) => [percentile(times, share), share * 100] as const);
    return [{ label: how, tone: how === 'deleted' ? ('ours' as const) : ('newer' as const), points }];
  });
  return lineChart({
    title: 'Children deleted or edited by hand',
    axis: 'share that was back within so many milliseconds, logarithmic',
    series,
    logarithmicX: true,
    xText: (value) => `${short(value)} ms`,
    yText: (value) => `${value} %`,
  });
}

function resident({ memory }: OperatorResults): string {
  const bars = memory.map(({ after, rssKiB }) => {
    const value = (rssKiB * 1024) / 1e6;
    return { label: after.slice(0, 28), tone: 'ours' as const, value, text: `${number(value)} MB` };
  });
  return barChart({
    title: 'Resident memory of the operator',
    axis: 'MB (10⁶ bytes)',
    groups: [{ label: 'after', bars }],
    mark: { value: 150, label: 'goal' },
  });
}
