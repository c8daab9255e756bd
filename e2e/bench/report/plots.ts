import type { FirstList, MemoryRun, Place, Run, Start } from '../results.ts';
import { standing } from './contest.ts';
import { ms, number, short } from './format.ts';
import type { Measurements } from './measurements.ts';
import {
  firstListNames,
  firstListTargets,
  firstListTones,
  placesInOrder,
  scenarioNames,
  scenarios,
  startNames,
  targetNames,
  targets,
  tones,
} from './names.ts';
import { median, percentile } from './statistics.ts';
import { barChart, lineChart } from './svg.ts';
import type { Bar } from './svg.ts';

/** The page's plots by file name; only of what was measured. */
export function plots(all: Measurements): Map<string, string> {
  const found = new Map<string, string>();
  for (const place of placesInOrder) {
    const runs = all.runs[place]?.value;
    if (runs) {
      found.set(`throughput-${place}.svg`, throughput(runs, place));
      found.set(`latency-${place}.svg`, latency(runs, place));
    }
    const lists = all.firstLists[place]?.value;
    if (lists) found.set(`first-list-${place}.svg`, firstList(lists, place));
  }
  if (all.starts) found.set('start.svg', starts(all.starts.value));
  if (all.memory) found.set('memory.svg', memory(all.memory.value));
  return found;
}

function throughput(runs: readonly Run[], place: Place): string {
  const groups = scenarios
    .filter((scenario) => scenario !== 'resources_list-1')
    .map((scenario) => ({
      label: scenarioNames[scenario],
      bars: targets.flatMap((target) => {
        const found = standing(runs, scenario, target);
        if (!found) return [];
        const { perSecond: value } = found;
        return [{ label: targetNames[target], tone: tones[target], value, text: number(value) }];
      }),
    }))
    .filter(({ bars }) => bars.length > 0);
  return barChart({
    title: `Throughput, ${place} kcp`,
    axis: 'requests per second, logarithmic',
    groups,
    logarithmic: true,
  });
}

/** Which share of the calls was answered within which time. */
function latency(runs: readonly Run[], place: Place): string {
  const shares = Array.from({ length: 100 }, (_, index) => (index + 1) / 100);
  const series = targets.flatMap((target) => {
    const own = runs.filter((run) => run.scenario === 'resources_list' && run.target === target);
    if (own.length === 0) return [];
    const samples = own.flatMap((run) => run.samplesUs);
    const points = shares.map((share) => [percentile(samples, share) / 1000, share * 100] as const);
    return [{ label: targetNames[target], tone: tones[target], points }];
  });
  return lineChart({
    title: `resources_list, 8 connections, ${place} kcp`,
    axis: 'share of calls answered within so many milliseconds, logarithmic',
    series,
    logarithmicX: true,
    xText: (value) => `${short(value)} ms`,
    yText: (value) => `${value} %`,
  });
}

function firstList(lists: readonly FirstList[], place: Place): string {
  const delays = [...new Set(lists.map(({ delayMs }) => delayMs))];
  const groups = delays.map((delayMs) => ({
    label: place === 'real' ? 'real kcp' : `kcp answers after ${delayMs} ms`,
    bars: firstListTargets.flatMap((target) => {
      const own = lists.filter((list) => list.target === target && list.delayMs === delayMs);
      if (own.length === 0) return [];
      const value = median(own.map((list) => list.ms));
      return [{ label: firstListNames[target], tone: firstListTones[target], value, text: ms(value) }];
    }),
  }));
  return barChart({ title: `A caller's first list of workspaces, ${place} kcp`, axis: 'milliseconds, median', groups });
}

function starts(all: readonly Start[]): string {
  const bars = (targets: readonly Start['target'][]): Bar[] =>
    targets.flatMap((target) => {
      const own = all.filter((start) => start.target === target).map((start) => start.ms);
      if (own.length === 0) return [];
      const value = median(own);
      const tone = target.startsWith('ours') ? ('ours' as const) : ('peer' as const);
      return [{ label: startNames[target], tone, value, text: ms(value) }];
    });
  const groups = [
    { label: 'unlimited', bars: bars(['ours', 'peer', 'peer-tree']) },
    { label: '100m of a core', bars: bars(['ours-100m', 'peer-100m']) },
  ].filter((group) => group.bars.length > 0);
  return barChart({ title: 'Start to the first answer that says ready', axis: 'milliseconds, median', groups });
}

function memory({ samples, limitMiB, minutes }: MemoryRun): string {
  const line = (pick: (sample: MemoryRun['samples'][number]) => number | undefined) =>
    samples.flatMap((sample) => {
      const value = pick(sample);
      return value === undefined ? [] : [[sample.atMs / 60_000, value / 1024] as const];
    });
  const series = [
    { label: 'working set', tone: 'ours' as const, points: line(({ workingSetKiB }) => workingSetKiB) },
    { label: 'anonymous', tone: 'newer' as const, points: line(({ anonymousKiB }) => anonymousKiB) },
    ...(limitMiB === undefined
      ? []
      : [
          {
            label: 'limit',
            tone: 'raw' as const,
            dashed: true,
            points: [
              [0, limitMiB],
              [minutes, limitMiB],
            ] as const,
          },
        ]),
  ].filter(({ points }) => points.length > 0);
  return lineChart({
    title: `Memory under ${short(minutes)} min of load`,
    axis: 'MiB over minutes',
    series,
    xText: (value) => `${short(value)} min`,
    yText: (value) => `${Math.round(value)}`,
    top: 144,
  });
}
