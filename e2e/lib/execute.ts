import { spawn } from 'node:child_process';

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecuteOptions {
  /** What it reads on standard input; nothing unless told. */
  input?: string;
  /** Added to this process's own environment. */
  env?: NodeJS.ProcessEnv;
  /** Ended after this long, in milliseconds; one minute unless told. */
  timeoutMs?: number;
}

/** Runs a program to its end, whatever its exit code (-1 where a signal ended it). @throws when it can't be started */
export function execute(
  command: string,
  args: readonly string[],
  { input = '', env = {}, timeoutMs = 60_000 }: ExecuteOptions = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, timeout: timeoutMs });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code: code ?? -1, stdout, stderr });
    });
    child.stdin.end(input);
  });
}
