import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Limits like a container's. */
export interface Limits {
  /** `resources.limits.memory`, in MiB. */
  memoryMiB?: number;
  /** `resources.limits.cpu`, in thousandths of a core, in periods of 100 ms as kubelet sets them. */
  milliCPU?: number;
}

/** A control group of our own, with one process in it. */
export interface Cgroup {
  /** `cgroup.procs` files that the process has to write its id to. */
  procs: string[];
  /** Memory in use without pages of files that nobody has looked at lately, in bytes: what kubelet calls the working set. */
  workingSetBytes(): number;
  /** How often the kernel killed for want of memory. */
  oomKills(): number;
  /** Removes it; its processes must have ended. */
  remove(): void;
}

const root = '/sys/fs/cgroup';
const periodUs = 100_000;

/**
 * Makes a control group with limits, in version 2 or 1 of the kernel's interface, whichever has the controllers.
 *
 * @returns undefined where that can't be done: not root, not Linux, no such controller
 */
export function createCgroup(name: string, limits: Limits): Cgroup | undefined {
  try {
    return existsSync(join(root, 'cgroup.controllers')) ? createV2(name, limits) : createV1(name, limits);
  } catch {
    return undefined;
  }
}

function createV2(name: string, { memoryMiB, milliCPU }: Limits): Cgroup {
  writeFileSync(join(root, 'cgroup.subtree_control'), '+memory +cpu');
  const dir = join(root, name);
  mkdirSync(dir);
  if (memoryMiB !== undefined) writeFileSync(join(dir, 'memory.max'), String(memoryMiB * 1024 * 1024));
  if (milliCPU !== undefined) writeFileSync(join(dir, 'cpu.max'), `${milliCPU * 100} ${periodUs}`);
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8');
  return {
    procs: [join(dir, 'cgroup.procs')],
    workingSetBytes: () => Number(read('memory.current')) - numberOf(read('memory.stat'), 'inactive_file'),
    oomKills: () => numberOf(read('memory.events'), 'oom_kill'),
    remove: () => {
      rmdirSync(dir);
    },
  };
}

function createV1(name: string, { memoryMiB, milliCPU }: Limits): Cgroup {
  const memory = join(root, 'memory', name);
  const cpu = join(root, 'cpu', name);
  const dirs = [...(memoryMiB === undefined ? [] : [memory]), ...(milliCPU === undefined ? [] : [cpu])];
  for (const dir of dirs) mkdirSync(dir);
  if (memoryMiB !== undefined) {
    writeFileSync(join(memory, 'memory.limit_in_bytes'), String(memoryMiB * 1024 * 1024));
  }
  if (milliCPU !== undefined) {
    writeFileSync(join(cpu, 'cpu.cfs_period_us'), String(periodUs));
    writeFileSync(join(cpu, 'cpu.cfs_quota_us'), String(milliCPU * 100));
  }
  const read = (file: string): string => readFileSync(join(memory, file), 'utf8');
  return {
    procs: dirs.map((dir) => join(dir, 'cgroup.procs')),
    workingSetBytes: () => Number(read('memory.usage_in_bytes')) - numberOf(read('memory.stat'), 'total_inactive_file'),
    oomKills: () => numberOf(read('memory.oom_control'), 'oom_kill'),
    remove: () => {
      for (const dir of dirs) rmdirSync(dir);
    },
  };
}

function numberOf(text: string, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
