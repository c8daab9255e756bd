import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { captureLog } from '../testing/log.ts';
import { watchFiles, type FileWatch, type WatchOptions } from './reload.ts';

const SOON = { deadlineMs: 5_000, intervalMs: 5 };

let volume: string;
let watch: FileWatch | undefined;
let logged: ReturnType<typeof captureLog>;
let generation: number;

/** Replaces the content as kubelet does (AtomicWriter): a new folder, and `..data` renamed onto the old link. */
async function publish(files: Record<string, string>): Promise<void> {
  const folder = `..gen-${++generation}`;
  await mkdir(join(volume, folder));
  for (const [name, content] of Object.entries(files)) await writeFile(join(volume, folder, name), content);
  await symlink(folder, join(volume, '..data_tmp'));
  await rename(join(volume, '..data_tmp'), join(volume, '..data'));
}

beforeEach(async () => {
  generation = 0;
  logged = captureLog();
  volume = await mkdtemp(join(tmpdir(), 'volume-'));
  await publish({ 'a.toml': 'one' });
  await symlink('..data/a.toml', join(volume, 'a.toml'));
});
afterEach(async () => {
  watch?.close();
  await rm(volume, { recursive: true });
});

async function start(apply: () => Promise<void> | void, options: Partial<WatchOptions> = {}): Promise<FileWatch> {
  const group = { what: 'config', files: [join(volume, 'a.toml')], apply };
  watch = await watchFiles([group], { log: logged.log, settleMs: 5, pollMs: 600_000, ...options });
  return watch;
}

test('a swapped volume is noticed, once for each change', async () => {
  let applied = 0;
  await start(() => {
    applied++;
  });
  await publish({ 'a.toml': 'two' });
  await waitFor('the first reload', () => applied === 1, SOON);
  await publish({ 'a.toml': 'three' });
  await waitFor('the second reload', () => applied === 2, SOON);
  await watch?.check();
  expect(applied).toBe(2);
});

test('the poll finds what no event told of', async () => {
  let applied = 0;
  // An event comes, but its round lies far in the future.
  await start(
    () => {
      applied++;
    },
    { settleMs: 600_000, pollMs: 5 },
  );
  await publish({ 'a.toml': 'two' });
  await waitFor('the reload', () => applied === 1, SOON);
});

test('the same content again is no change; SIGHUP takes it over all the same', async () => {
  let applied = 0;
  const files = await start(() => {
    applied++;
  });
  await publish({ 'a.toml': 'one' });
  await files.check();
  expect(applied).toBe(0);
  await files.check(true);
  expect(applied).toBe(1);
});

test('content that is refused is reported once and tried again', async () => {
  const results: string[] = [];
  let fails = true;
  let tries = 0;
  const apply = () => {
    tries++;
    if (fails) throw new Error('not TOML');
  };
  const files = await start(apply, {
    settleMs: 600_000,
    onReload: (what, result) => {
      results.push(`${what} ${result}`);
    },
  });
  await publish({ 'a.toml': 'two' });
  await files.check();
  await files.check();
  expect(tries).toBe(2);
  expect(logged.lines.filter((line) => line['level'] === 'error')).toEqual([
    expect.objectContaining({ what: 'config', error: 'not TOML' }),
  ]);
  fails = false;
  await files.check();
  expect(results).toEqual(['config failure', 'config success']);
});

test('a folder that cannot be watched is a warning, and the poll goes on', async () => {
  await rm(volume, { recursive: true });
  let applied = 0;
  const files = await start(() => {
    applied++;
  });
  expect(logged.lines).toEqual([expect.objectContaining({ level: 'warn', directory: volume })]);
  await mkdir(volume);
  await writeFile(join(volume, 'a.toml'), 'two');
  await files.check();
  expect(applied).toBe(1);
});
