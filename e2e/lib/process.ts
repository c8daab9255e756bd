import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { cachePath } from './cache.ts';
import { identify, isAlive, processesWithEnvironment, signal } from './identity.ts';
import type { ProcessIdentity } from './identity.ts';
import { HopelessError, waitFor } from './wait.ts';

export { waitFor } from './wait.ts';

/** Every process started here carries its run folder under this name in its environment, and passes it on. */
export const RUN_DIR_VARIABLE = 'KCP_MCP_RUN_DIR';

export interface ProcessOptions {
  /** The run folder: `DIR/run/NAME.pid` and `DIR/log/NAME.log` are written. */
  dir: string;
  name: string;
  command: string;
  args?: readonly string[];
  /** Added to this process's own environment. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Polled until truthy before {@link startProcess} returns; throwing counts as "not yet". */
  ready?: () => unknown;
  /** How long `ready` may take, in milliseconds; 60 s unless told. */
  deadlineMs?: number;
  /** How {@link StartedProcess.stop} and {@link stopAll} ask; SIGTERM unless told. */
  stopSignal?: NodeJS.Signals;
}

export interface StartedProcess {
  name: string;
  pid: number;
  logFile: string;
  alive(): boolean;
  /** Asks it to end, and kills it if it hasn't within `graceMs` (10 s unless told). Returns once it is gone. */
  stop(graceMs?: number): Promise<void>;
  /** Kills it without asking. Returns once it is gone. */
  kill(): Promise<void>;
}

interface PidFile extends ProcessIdentity {
  stopSignal: NodeJS.Signals;
}

/**
 * Starts a program that outlives this process: detached, output appended to `DIR/log/NAME.log`, identity in
 * `DIR/run/NAME.pid`.
 *
 * @throws when a process of that name already runs in `dir`, when it ends before it is ready, or isn't ready in time;
 *   the message holds the end of its log. A process that didn't become ready is killed.
 */
export async function startProcess(options: ProcessOptions): Promise<StartedProcess> {
  const { name, command, args = [], stopSignal = 'SIGTERM', ready, deadlineMs = 60_000 } = options;
  const dir = resolve(options.dir);
  const pidFile = join(dir, 'run', `${name}.pid`);
  const logFile = join(dir, 'log', `${name}.log`);
  mkdirSync(join(dir, 'run'), { recursive: true });
  mkdirSync(join(dir, 'log'), { recursive: true });
  const previous = await readPidFile(pidFile);
  if (previous && isAlive(previous)) throw new Error(`${name} already runs in ${dir} as process ${previous.pid}`);

  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd: options.cwd ?? dir,
    env: { ...environment(options.env), [RUN_DIR_VARIABLE]: dir },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let ended = false;
  const end = new Promise<string>((done) => {
    child.once('exit', (code, killedBy) => {
      ended = true;
      done(killedBy ? `was ended by ${killedBy}` : `ended with code ${code ?? 0}`);
    });
  });
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', (error) => {
      fail(new Error(`${name} can't be started: ${error.message}`));
    });
  });
  child.unref();
  const pid = child.pid ?? 0;
  const identity = identify(pid);
  if (identity) await writePidFile(pidFile, { ...identity, stopSignal });
  const started = handle(name, identity ?? { pid, started: '' }, stopSignal, logFile, pidFile);

  try {
    await waitFor(
      `${name} to be ready`,
      async () => {
        // It may be seen to be gone before Node says how it went.
        if (ended || !started.alive()) throw new HopelessError(`${name} ${await end}`);
        return ready ? await ready() : true;
      },
      { deadlineMs, intervalMs: 50 },
    );
  } catch (error) {
    await started.kill();
    const reason = error instanceof Error ? error.message : 'not ready';
    throw new Error(`${reason}; the end of ${logFile}:\n${await tail(logFile)}`, { cause: error });
  }
  return started;
}

/** The processes with a pid file in `dir` that are alive, oldest first. */
export async function running(dir: string): Promise<StartedProcess[]> {
  const runDir = join(resolve(dir), 'run');
  const files = (await readdir(runDir).catch(() => [])).filter((file) => file.endsWith('.pid'));
  const found = await Promise.all(
    files.map(async (file) => {
      const pidFile = join(runDir, file);
      const content = await readPidFile(pidFile);
      if (!content || !isAlive(content)) return [];
      const name = file.slice(0, -'.pid'.length);
      const logFile = join(resolve(dir), 'log', `${name}.log`);
      const since = (await stat(pidFile)).mtimeMs;
      return [{ since, process: handle(name, content, content.stopSignal, logFile, pidFile) }];
    }),
  );
  return found
    .flat()
    .sort((a, b) => a.since - b.since)
    .map((entry) => entry.process);
}

/**
 * Ends everything that was ever started in `dir` (or a folder below it) and still runs: first by pid file, newest
 * first, then whatever else carries the run folder in its environment — children of those, and processes whose
 * starter died before it could write the pid file. Never touches a process that merely has an old one's number.
 */
export async function stopAll(dir: string, { graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
  const own = resolve(dir);
  for (const started of (await running(own)).reverse()) await started.stop(graceMs);
  const left = () =>
    processesWithEnvironment(RUN_DIR_VARIABLE, (value) => value === own || value.startsWith(own + sep));
  for (const identity of left()) signal(identity, 'SIGTERM');
  await waitFor('remaining processes to end', () => left().length === 0, { deadlineMs: graceMs }).catch(async () => {
    for (const identity of left()) signal(identity, 'SIGKILL');
    await waitFor('killed processes to be gone', () => left().length === 0, { deadlineMs: 10_000 });
  });
  await rm(join(own, 'run'), { recursive: true, force: true });
}

function handle(
  name: string,
  identity: ProcessIdentity,
  stopSignal: NodeJS.Signals,
  logFile: string,
  pidFile: string,
): StartedProcess {
  const end = async (first: NodeJS.Signals, graceMs: number) => {
    const gone = (deadlineMs: number) =>
      waitFor(`${name} (process ${identity.pid}) to end`, () => !isAlive(identity), { deadlineMs, intervalMs: 20 });
    if (signal(identity, first)) {
      await gone(graceMs).catch(async () => {
        signal(identity, 'SIGKILL');
        await gone(10_000);
      });
    }
    const current = await readPidFile(pidFile);
    if (current?.pid === identity.pid && current.started === identity.started) await rm(pidFile, { force: true });
  };
  return {
    name,
    pid: identity.pid,
    logFile,
    alive: () => isAlive(identity),
    stop: (graceMs = 10_000) => end(stopSignal, graceMs),
    kill: () => end('SIGKILL', 10_000),
  };
}

/** The last lines of a log, for error messages; empty when there is none. */
export async function tail(file: string, lines = 20): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

async function readPidFile(file: string): Promise<PidFile | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PidFile;
  } catch {
    return undefined;
  }
}

async function writePidFile(file: string, content: PidFile): Promise<void> {
  // Renamed into place: a reader sees a whole file or none.
  await writeFile(`${file}.new`, JSON.stringify(content));
  await rename(`${file}.new`, file);
}

/** Our own environment and what is added to it; kubectl's cache of discovery goes where all caches go. */
function environment(added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, KUBECACHEDIR: cachePath('kubectl'), ...added };
}

const execute = promisify(execFile);

export interface RunOptions {
  cwd?: string;
  /** Added to this process's own environment. */
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  /** What it reads on standard input; nothing unless told. */
  input?: string;
}

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws when it can't be started or fails; the message holds the program, and its standard error (or output)
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  try {
    const execution = execute(command, args, {
      env: environment(options.env),
      maxBuffer: 256 * 1024 * 1024,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
    });
    // A program that ends without reading is no fault of ours: its exit code tells.
    execution.child.stdin?.on('error', () => undefined).end(options.input ?? '');
    return (await execution).stdout;
  } catch (error) {
    const { stderr = '', stdout = '', message } = error as Error & { stderr?: string; stdout?: string };
    const said = (stderr.trim() || stdout.trim() || message).split('\n').slice(-20).join('\n');
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed: ${said}`, { cause: error });
  }
}
