import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { RUN_DIR_VARIABLE } from '../../lib/process.ts';
import type { Program } from '../servers/under-test.ts';
import type { Cgroup } from './cgroup.ts';

/** A program that we are the parent of, in a control group where one is given. */
export interface Confined {
  pid: number;
  /** Undefined while it runs. */
  ended(): string | undefined;
  /** Asks it to end, kills it after 10 s, and removes its control group. */
  stop(): Promise<void>;
}

/** Joins every group in CGROUPS before it becomes the program. */
const join = 'for procs in $CGROUPS; do echo $$ > "$procs"; done; exec "$@"';

/**
 * Starts a program as a container's runtime would: it is in its control group before its first instruction, and what it
 * prints goes through a pipe to a reader outside.
 *
 * @param dir run folder: `stopAll` there ends it, should we not come to it
 */
export function startConfined({ command, args, env }: Program, dir: string, cgroup?: Cgroup): Confined {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  const child = spawn('/bin/sh', ['-c', join, 'sh', command, ...args], {
    stdio,
    env: { ...process.env, ...env, [RUN_DIR_VARIABLE]: dir, CGROUPS: cgroup?.procs.join(' ') ?? '' },
  });
  const last = lastWords(child);
  let end: string | undefined;
  const exit = once(child, 'exit').then(([code, signal]: unknown[]) => {
    end = `ended with ${String(signal ?? code)}: ${last()}`;
  });
  return {
    pid: child.pid ?? 0,
    ended: () => end,
    stop: async () => {
      // SIGTERM would have our runtime serve on for seconds, for load balancers to notice.
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exit;
      clearTimeout(timer);
      cgroup?.remove();
    },
  };
}

/** Reads what it prints and keeps the end of it. */
function lastWords(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-2_000);
    });
  }
  return () => text.trim();
}
