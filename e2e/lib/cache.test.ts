import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cacheDir, cacheKey, newScratch, withLock } from './cache.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kcp-mcp-cache-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('the cache folder follows KCP_MCP_CACHE, then XDG_CACHE_HOME, then the home folder', () => {
  const home = '/home/alice';
  expect(cacheDir({}, home)).toBe('/home/alice/.cache/kcp-mcp-operator');
  expect(cacheDir({ XDG_CACHE_HOME: '/var/cache' }, home)).toBe('/var/cache/kcp-mcp-operator');
  expect(cacheDir({ XDG_CACHE_HOME: '/var/cache', KCP_MCP_CACHE: '/big/disk' }, home)).toBe('/big/disk');
  expect(cacheDir({ XDG_CACHE_HOME: '', KCP_MCP_CACHE: '' }, home)).toBe('/home/alice/.cache/kcp-mcp-operator');
});

describe('cacheKey', () => {
  test('changes with every part and with where one part ends', async () => {
    const keys = await Promise.all([['ab', 'c'], ['a', 'bc'], ['abc'], ['c', 'ab']].map(cacheKey));
    expect(new Set(keys).size).toBe(4);
    expect(keys[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test('depends on what is in a file, not on where it is', async () => {
    const [one, two, other] = ['one', 'two', 'other'].map((name) => ({ file: join(dir, name) }));
    await writeFile(one?.file ?? '', 'same');
    await writeFile(two?.file ?? '', 'same');
    await writeFile(other?.file ?? '', 'different');
    const key = (part: { file: string } | undefined) => cacheKey(part ? [part] : []);
    expect(await key(one)).toBe(await key(two));
    expect(await key(one)).not.toBe(await key(other));
  });
});

describe('withLock', () => {
  const before = process.env['KCP_MCP_CACHE'];

  beforeEach(() => {
    process.env['KCP_MCP_CACHE'] = dir;
  });

  afterEach(() => {
    if (before === undefined) delete process.env['KCP_MCP_CACHE'];
    else process.env['KCP_MCP_CACHE'] = before;
  });

  test('lets one in at a time and tells those who wait who is in', async () => {
    let inside = 0;
    let most = 0;
    const holders: string[] = [];
    const enter = (purpose: string) =>
      withLock(
        'test',
        async () => {
          most = Math.max(most, ++inside);
          await new Promise((done) => setImmediate(done));
          inside--;
        },
        { purpose, onWait: (holder) => holders.push(holder) },
      );
    await Promise.all(['one', 'two', 'three'].map(enter));
    expect(most).toBe(1);
    expect(holders.join()).toMatch(new RegExp(`process ${process.pid} \\((one|two|three)\\)`));
  });

  test('is free again when work throws', async () => {
    await expect(withLock('test', () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
    await expect(withLock('test', () => Promise.resolve('in'))).resolves.toBe('in');
  });

  test('is free again when its holder is killed', async () => {
    const script = `
      const { withLock } = await import(${JSON.stringify(join(import.meta.dirname, 'cache.ts'))});
      await withLock('test', () => new Promise((done) => { setTimeout(done, 600_000); console.log('locked'); }));`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, KCP_MCP_CACHE: dir },
    });
    let waited = false;
    try {
      await once(holder.stdout, 'data');
      const entered = withLock('test', () => Promise.resolve('in'), {
        onWait: () => {
          waited = true;
          holder.kill('SIGKILL');
        },
      });
      await expect(entered).resolves.toBe('in');
    } finally {
      holder.kill('SIGKILL');
    }
    expect(waited).toBe(true);
  });
});

test('newScratch removes what killed predecessors left, and nothing else', async () => {
  const left = await newScratch(dir);
  await writeFile(join(left, 'half'), '');
  await writeFile(join(dir, 'whole'), '');
  const scratch = await newScratch(dir);
  expect((await readdir(dir)).sort()).toEqual([basename(scratch), 'whole'].sort());
  expect(await readdir(scratch)).toEqual([]);
});
