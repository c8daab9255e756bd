import type { MemoryRun } from '../results.ts';
import { median } from './statistics.ts';

/** From then on memory must not grow: caches and compilers have settled. */
const settledMs = 2 * 60_000;

/**
 * Growth of the memory that can't be dropped after minute 2, in MiB: the median of the last quarter of that time less that of its first.
 *
 * @returns undefined where the run is too short to say
 */
export function growthMiB({ minutes, samples }: MemoryRun): number | undefined {
  if (minutes < 4) return undefined;
  const settled = samples.filter(({ atMs }) => atMs >= settledMs).map(({ anonymousKiB }) => anonymousKiB / 1024);
  const quarter = Math.ceil(settled.length / 4);
  return median(settled.slice(-quarter)) - median(settled.slice(0, quarter));
}

/** The most that the control group held at a look, in MiB; the resident memory where there was none. */
export function mostMiB({ samples }: MemoryRun): number {
  return Math.max(...samples.map(({ workingSetKiB, rssKiB }) => workingSetKiB ?? rssKiB)) / 1024;
}
