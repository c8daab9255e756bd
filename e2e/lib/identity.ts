import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** A process that can't be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in a form that only equals itself. */
  started: string;
}

/**
 * The identity of a living process, or undefined when there is none (a zombie counts as none: it has ended and only
 * waits for its parent to notice).
 */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether exactly this process, not a later one with its number, is alive. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Sends a signal if exactly this process is alive; says whether it was. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Start time, state and number of threads out of /proc/PID/stat (proc(5), fields 22, 3 and 20).
 *
 * The command name in field 2 is in parentheses and may itself hold spaces and parentheses: fields are counted from
 * the last `)`.
 */
export function parseStat(stat: string): { state: string; threads: number; startTicks: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startTicks] = [fields[0], fields[17], fields[19]];
  return state && threads && startTicks ? { state, threads: Number(threads), startTicks } : undefined;
}

function startedLinux(pid: number): string | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    // A killed process's first thread may have ended while others still hold its ports and files.
    if (!stat || (/[ZX]/.test(stat.state) && stat.threads <= 1)) return undefined;
    // Ticks count from boot: without the boot a process of an earlier one could look the same.
    return `${stat.startTicks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return undefined;
  }
}

function startedElsewhere(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

/**
 * Living processes whose environment at their start held `NAME=value` with a value that `matches` accepts.
 *
 * Environments are inherited, so this also finds what a started program started in turn. Linux only (none elsewhere);
 * processes of other users are passed over.
 */
export function processesWithEnvironment(name: string, matches: (value: string) => boolean): ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  const found: ProcessIdentity[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const identity = identify(pid);
    if (!identity) continue;
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const variable = variables.find((text) => text.startsWith(`${name}=`));
      if (variable !== undefined && matches(variable.slice(name.length + 1))) found.push(identity);
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return found;
}
