import type { FirstList, Place, Start } from '../results.ts';
import { ratio, standing } from './contest.ts';
import { number, short } from './format.ts';
import type { Measurements } from './measurements.ts';
import { firstListNames } from './names.ts';
import { growthMiB, mostMiB } from './memory.ts';
import { median } from './statistics.ts';

/** Something that the runtime has to reach, and whether it does. */
export interface Goal {
  what: string;
  /** `synthetic kcp`, `real kcp`; empty where kcp doesn't matter. */
  where: string;
  goal: string;
  measured: string;
  /** Undefined where it wasn't measured. */
  met: boolean | undefined;
}

interface Bound {
  what: string;
  where?: string;
  value: number | undefined;
  atLeast?: number;
  atMost?: number;
  /** The value with its unit; `digits` writes the number: a goal as it was set, a measurement to three digits. */
  show: Unit;
}

type Unit = (value: number, digits: (value: number) => string) => string;

const places: Record<Place, string> = { synthetic: 'synthetic kcp', real: 'real kcp' };
const times: Unit = (value, digits) => `${digits(value)} ×`;
const milliseconds: Unit = (value, digits) => `${digits(value)} ms`;
const percent: Unit = (value, digits) => `${digits(value * 100)} %`;
const mib: Unit = (value, digits) => `${digits(value)} MiB`;
const plain: Unit = (value) => String(value);
/** Memory moves by that much between two looks at a process at rest. */
const steadyMiB = 2;

export function goals(all: Measurements): Goal[] {
  return [
    ...(['synthetic', 'real'] as const).flatMap((place) => contestGoals(all, place)),
    ...(['synthetic', 'real'] as const).flatMap((place) => firstListGoals(all.firstLists[place]?.value ?? [], place)),
    ...memoryGoals(all),
    ...startGoals(all.starts?.value ?? []),
  ];
}

function judge({ what, where = '', value, atLeast, atMost, show }: Bound): Goal {
  const goal = atLeast === undefined ? `≤ ${show(atMost ?? 0, String)}` : `≥ ${show(atLeast, String)}`;
  const met = value === undefined ? undefined : atLeast === undefined ? value <= (atMost ?? 0) : value >= atLeast;
  return { what, where, goal, measured: value === undefined ? 'not measured' : show(value, number), met };
}

function contestGoals(all: Measurements, place: Place): Goal[] {
  const runs = all.runs[place]?.value ?? [];
  const where = places[place];
  const list = standing(runs, 'resources_list', 'ours');
  const [alone, rawAlone] = [standing(runs, 'resources_list-1', 'ours'), standing(runs, 'resources_list-1', 'raw')];
  const added = alone && rawAlone && alone.p50 - rawAlone.p50;
  return [
    judge({ what: '`resources_list` with OIDC, 8 connections, over the peer', where, value: ratio(runs, 'resources_list', 'ours', 'peer'), atLeast: 8, show: times }), // prettier-ignore
    ...(place === 'real'
      ? [
          judge({ what: '`resources_list`, share of what kcp itself gets through, all on the same cores', where, value: ratio(runs, 'resources_list', 'ours', 'raw'), atLeast: 0.7, show: percent }), // prettier-ignore
          judge({ what: '`resources_list`, share of what kcp itself gets through, kcp on a core of its own', where, value: ratio(runs, 'resources_list-apart', 'ours', 'raw'), atLeast: 0.7, show: percent }), // prettier-ignore
        ]
      : []),
    judge({ what: '`resources_list`, our processor time per call', where, value: list?.cpuPerRequest, atMost: 1.5, show: milliseconds }), // prettier-ignore
    judge({
      what: 'added latency of one warm call, 1 connection, p50',
      where,
      value: added,
      atMost: 2,
      show: milliseconds,
    }),
    judge({ what: '`kcp_workspaces_list`, warm, over the peer', where, value: ratio(runs, 'workspaces_list', 'ours', 'peer'), atLeast: 500, show: times }), // prettier-ignore
    ...(place === 'synthetic'
      ? [judge({ what: '`tools/list` over the peer', value: ratio(runs, 'tools_list', 'ours', 'peer'), atLeast: 3.5, show: times })] // prettier-ignore
      : []),
  ];
}

const firstListPairs = [
  ['ours', 'raw', 'the raw probes'],
  ['ours', 'raw-lists', 'the raw lists that a walk takes'],
  ['ours-index', 'raw', 'the raw probes'],
] as const;

/** Ratio of a caller's first list to the raw probes, for each way of finding them and each speed of kcp. */
function firstListGoals(lists: readonly FirstList[], place: Place): Goal[] {
  const delays = place === 'synthetic' ? [...new Set(lists.map(({ delayMs }) => delayMs))] : [0];
  return (delays.length === 0 ? [0] : delays).flatMap((delayMs) =>
    firstListPairs.map(([target, raw, name]) => {
      const time = (one: FirstList['target']): number =>
        median(lists.filter((list) => list.target === one && list.delayMs === delayMs).map((list) => list.ms));
      const value = time(target) / time(raw);
      const where = places[place] + (delayMs > 0 ? `, ${delayMs} ms an answer` : '');
      const measured = Number.isNaN(value) ? undefined : value;
      const what = `\`kcp_workspaces_list\`, a caller's first, ${firstListNames[target]}, to ${name}`;
      return judge({ what, where, value: measured, atMost: 1.3, show: times });
    }),
  );
}

function memoryGoals({ memory }: Measurements): Goal[] {
  const run = memory?.value;
  const what = `memory under ${run === undefined ? '10' : short(run.minutes)} min of load`;
  const growth = run && growthMiB(run);
  return [
    judge({ what: `${what}, working set at most`, value: run && mostMiB(run), atMost: 128, show: mib }),
    judge({ what: `${what}, kills in a control group of 128 MiB`, value: run?.oomKills, atMost: 0, show: plain }),
    judge({ what: `${what}, growth after minute 2`, value: growth, atMost: steadyMiB, show: mib }),
  ];
}

function startGoals(starts: readonly Start[]): Goal[] {
  const time = (target: Start['target']): number | undefined => {
    const own = starts.filter((start) => start.target === target).map((start) => start.ms);
    return own.length === 0 ? undefined : median(own);
  };
  return [
    judge({ what: 'start to `/readyz`', value: time('ours'), atMost: 300, show: milliseconds }),
    judge({
      what: 'start to `/readyz` with 100m of a core',
      value: time('ours-100m'),
      atMost: 3000,
      show: milliseconds,
    }),
  ];
}
