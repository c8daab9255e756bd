import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

describe('a folder of files', () => {
  let folder: string;
  let lists: string[][];

  const list = async () => {
    const names = await readdir(folder).catch(() => []);
    const kept = names.filter((name) => name.endsWith('.toml')).sort();
    return kept.map((name) => join(folder, name));
  };

  /** Takes over what the folder holds, as names. */
  async function follow(options: Partial<WatchOptions> = {}): Promise<FileWatch> {
    const apply = async () => {
      lists.push((await list()).map((path) => basename(path)));
    };
    const group = { what: 'config', files: [join(volume, 'a.toml')], folder: { path: folder, list }, apply };
    watch = await watchFiles([group], { log: logged.log, settleMs: 5, pollMs: 600_000, ...options });
    return watch;
  }
  const becomes = (...names: string[]) =>
    waitFor(`[${names.join()}] to be taken over`, () => lists.at(-1)?.join() === names.join(), SOON);

  beforeEach(async () => {
    // Not beside the files, whose folder is watched anyway.
    await mkdir(join(volume, 'more'));
    folder = join(volume, 'more', 'conf.d');
    lists = [];
  });

  test('that comes, fills, changes, empties and goes is followed', async () => {
    await follow();
    expect(logged.lines).toEqual([]);
    await mkdir(folder);
    await writeFile(join(folder, 'a.toml'), 'one');
    await becomes('a.toml');
    await writeFile(join(folder, 'b.toml'), 'one');
    await becomes('a.toml', 'b.toml');
    const before = lists.length;
    await writeFile(join(folder, 'b.toml'), 'two');
    await waitFor('the new content', () => lists.length > before, SOON);
    await rename(join(folder, 'a.toml'), join(folder, 'c.toml'));
    await becomes('b.toml', 'c.toml');
    await rm(join(folder, 'c.toml'));
    await becomes('b.toml');
    await rm(folder, { recursive: true });
    await becomes();
  });

  test('is followed again when another one takes its place', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'a.toml'), 'one');
    await follow();
    await mkdir(`${folder}.new`);
    await rename(folder, `${folder}.old`);
    await rename(`${folder}.new`, folder);
    await becomes();
    await writeFile(join(folder, 'b.toml'), 'one');
    await becomes('b.toml');
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await becomes();
    await writeFile(join(folder, 'c.toml'), 'one');
    await becomes('c.toml');
  });

  test('whose other files change is no change', async () => {
    await mkdir(folder);
    const files = await follow();
    await writeFile(join(folder, 'notes.txt'), 'one');
    await files.check();
    expect(lists).toEqual([]);
  });

  test('is followed by the poll where the folder above it is away too', async () => {
    folder = join(volume, 'not', 'yet');
    await follow({ pollMs: 5 });
    expect(logged.lines).toEqual([]);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.toml'), 'one');
    await becomes('a.toml');
  });
});
