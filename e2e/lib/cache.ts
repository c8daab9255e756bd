import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

/** The repository's root folder. */
export const repoRoot = resolve(import.meta.dirname, '../..');

/**
 * The one folder outside the repository that the project writes to: compiled programs, Go caches, unpacked Debian
 * packages. `KCP_MCP_CACHE` overrides the XDG default; deleting the folder costs time and nothing else.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env, home = homedir()): string {
  const chosen = env['KCP_MCP_CACHE'];
  if (chosen) return resolve(chosen);
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg ? resolve(xdg) : join(home, '.cache'), 'kcp-mcp-operator');
}

/** A path inside {@link cacheDir}. */
export function cachePath(...parts: string[]): string {
  return join(cacheDir(), ...parts);
}

/** One thing that an artefact is made from: a text, or a file whose bytes count. */
export type KeyPart = string | { file: string };

/**
 * A short stable name for an artefact made from exactly these parts, in this order.
 *
 * Parts are length-prefixed, so that moving text from one part to the next gives another key. A file's path doesn't
 * count: the same checkout elsewhere finds the same artefact.
 *
 * @returns 16 hexadecimal digits
 * @throws when a file can't be read
 */
export async function cacheKey(parts: readonly KeyPart[]): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : await readFile(part.file);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * A new empty folder in `parent` for work in progress, to be renamed or removed. Those that killed predecessors left
 * are removed, so the caller must hold the lock that all who use `parent` take.
 */
export async function newScratch(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const leftovers = (await readdir(parent)).filter((name) => name.startsWith(scratchPrefix));
  await Promise.all(leftovers.map((name) => rm(join(parent, name), { recursive: true, force: true })));
  return mkdtemp(join(parent, scratchPrefix));
}

const scratchPrefix = '.new-';

export interface LockOptions {
  /** Called once when somebody else holds the lock, with what they said they were doing. */
  onWait?: (holder: string) => void;
  /** What this holder tells those who wait. */
  purpose?: string;
}

/**
 * Runs `work` while no other process on this machine runs under the same lock name.
 *
 * The lock is SQLite's file lock: the kernel drops it when its holder dies, however it dies, so there is no stale lock
 * to judge or to remove. Waits for as long as the holder works.
 *
 * @throws whatever `work` throws
 */
export async function withLock<T>(name: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const dir = cachePath('locks');
  await mkdir(dir, { recursive: true });
  const holderFile = join(dir, `${name}.holder`);
  const database = new DatabaseSync(join(dir, `${name}.lock`));
  try {
    for (let attempt = 0; !tryLock(database); attempt++) {
      if (attempt === 0) options.onWait?.(await readFile(holderFile, 'utf8').catch(() => 'another process'));
      await delay(200);
    }
    await writeFile(holderFile, `process ${process.pid}${options.purpose ? ` (${options.purpose})` : ''}`);
    return await work();
  } finally {
    database.close();
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    // 5 is SQLITE_BUSY; anything else (a full disk, no permission) won't pass by waiting.
    if ((error as { errcode?: number }).errcode === 5) return false;
    throw error;
  }
}
