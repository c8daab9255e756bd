import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether processes can be kept to some of the cores: Linux with util-linux, and two cores. */
export async function canKeepApart(): Promise<boolean> {
  if (process.platform !== 'linux' || availableParallelism() < 2) return false;
  return run('taskset', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Does the work with `one` kept to the first core and `others` to the rest; all may use all of them again after it. */
export async function keptApart(one: number, others: readonly number[], work: () => Promise<void>): Promise<void> {
  const last = availableParallelism() - 1;
  try {
    await keep(one, '0');
    for (const pid of others) await keep(pid, `1-${last}`);
    await work();
  } finally {
    for (const pid of [one, ...others]) await keep(pid, `0-${last}`);
  }
}

/** With all threads; those that come later inherit it. */
async function keep(pid: number, cores: string): Promise<void> {
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]);
}
