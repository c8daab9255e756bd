import { readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second: what `getconf CLK_TCK` says on every Linux that there is. */
const ticksPerSecond = 100;

/** Processor time that a process took so far, all its threads, user and system together, in milliseconds (proc(5)). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/**
 * Memory of a process in KiB (proc(5), `smaps_rollup`): what is resident, and the part of it that no file stands behind,
 * which can't be dropped.
 */
export function memoryOf(pid: number): { rssKiB: number; anonymousKiB: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { rssKiB: field('Rss'), anonymousKiB: field('Anonymous') };
}
