import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { identify } from './identity.ts';
import { RUN_DIR_VARIABLE, run, running, startProcess, stopAll, tail } from './process.ts';
import { waitFor } from './wait.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kcp-mcp-process-'));
});

afterEach(async () => {
  await stopAll(dir, { graceMs: 0 });
  await rm(dir, { recursive: true, force: true });
});

const shell = (script: string, name = 'sh') => ({ dir, name, command: 'sh', args: ['-c', script] });
const gone = (pid: number) => identify(pid) === undefined;

test('waits until ready, keeps output and identity', async () => {
  const started = await startProcess({
    ...shell('echo to stdout; echo to stderr >&2; touch up; exec sleep 60'),
    ready: () => existsSync(join(dir, 'up')),
  });
  expect(started.alive()).toBe(true);
  expect(await tail(started.logFile)).toBe('to stdout\nto stderr');
  expect(JSON.parse(await readFile(join(dir, 'run/sh.pid'), 'utf8'))).toMatchObject({ pid: started.pid });
  await started.stop();
  expect(started.alive()).toBe(false);
  expect(existsSync(join(dir, 'run/sh.pid'))).toBe(false);
});

test('a program that ends before it is ready fails with the end of its log, at once', async () => {
  const before = Date.now();
  const starting = startProcess({ ...shell('echo no such file; exit 3'), ready: () => false });
  await expect(starting).rejects.toThrow(/sh ended with code 3[^]*no such file/);
  expect(Date.now() - before).toBeLessThan(10_000);
});

test('a program that is never ready is killed', async () => {
  const starting = startProcess({
    ...shell('exec sleep 60'),
    ready: () => Promise.reject(new Error('refused')),
    deadlineMs: 200,
  });
  await expect(starting).rejects.toThrow(/waited 0.2 s for sh to be ready: refused/);
  expect(await running(dir)).toEqual([]);
});

test('a missing program is named', async () => {
  await expect(startProcess({ dir, name: 'x', command: 'no-such-program' })).rejects.toThrow(
    /x can't be started.*no-such-program/,
  );
});

test('refuses a second process of the same name', async () => {
  const first = await startProcess(shell('exec sleep 60'));
  await expect(startProcess(shell('exec sleep 60'))).rejects.toThrow(
    `sh already runs in ${dir} as process ${first.pid}`,
  );
});

test('kills what ignores the request to end', async () => {
  const started = await startProcess({
    ...shell("trap '' TERM; touch up; while :; do sleep 1; done"),
    ready: () => existsSync(join(dir, 'up')),
  });
  await started.stop(100);
  expect(started.alive()).toBe(false);
});

test('stopAll ends children too, and those whose pid file was never written', async () => {
  const parent = await startProcess({
    ...shell('sleep 60 & echo $! >child; touch up; wait'),
    ready: () => existsSync(join(dir, 'up')),
  });
  const stray = spawn('sleep', ['60'], { env: { ...process.env, [RUN_DIR_VARIABLE]: join(dir, 'below') } });
  await once(stray, 'spawn');
  const child = Number(await readFile(join(dir, 'child'), 'utf8'));
  await stopAll(dir);
  expect(parent.alive()).toBe(false);
  await waitFor('child and stray to be gone', () => [child, stray.pid ?? 0].every(gone), { deadlineMs: 5000 });
});

test('stopAll leaves alone a process that has the number of one long gone, and other folders', async () => {
  const bystander = spawn('sleep', ['60'], { env: { ...process.env, [RUN_DIR_VARIABLE]: `${dir}-other` } });
  await once(bystander, 'spawn');
  await mkdir(join(dir, 'run'), { recursive: true });
  await writeFile(
    join(dir, 'run/old.pid'),
    JSON.stringify({ pid: bystander.pid, started: '1@an earlier boot', stopSignal: 'SIGKILL' }),
  );
  await stopAll(dir);
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  expect(existsSync(`/proc/${bystander.pid ?? 0}`)).toBe(true);
  const ended = once(bystander, 'exit');
  bystander.kill('SIGKILL');
  await ended;
});

test('stopAll does nothing where nothing is', async () => {
  await expect(stopAll(join(dir, 'nowhere'))).resolves.toBeUndefined();
});

test('run passes input and gives output, or says why it failed', async () => {
  expect(await run('cat', [], { input: 'text' })).toBe('text');
  await expect(run('sh', ['-c', 'echo broken >&2; exit 1'])).rejects.toThrow(/^sh -c .* failed: broken$/s);
});
