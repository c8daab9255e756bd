import { hash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, type Log } from '../log.ts';

/** Files that are taken over together. */
export interface WatchedFiles {
  /** For logs and metrics: `config`, `certificate`, … */
  readonly what: string;
  readonly files: readonly string[];
  /** Takes the new content over. When it throws, the old stays in force and the same content is tried again later. */
  readonly apply: () => Promise<void> | void;
}

export interface WatchOptions {
  readonly log: Log;
  readonly onReload?: (what: string, result: 'success' | 'failure') => void;
  /** How long to wait after a change for those that come with it, in milliseconds. */
  readonly settleMs?: number;
  /** How often to look without being told, in milliseconds: file systems exist that tell nothing. */
  readonly pollMs?: number;
}

export interface FileWatch {
  /** Looks now and, with `force`, takes over unchanged files too (SIGHUP). */
  check(force?: boolean): Promise<void>;
  close(): void;
}

/**
 * Watches mounted files. Directories are watched, not files: kubelet replaces a volume's `..data` link and never writes to the
 * files themselves. Content is compared by hash, so that an event without a change does nothing.
 */
export async function watchFiles(groups: readonly WatchedFiles[], options: WatchOptions): Promise<FileWatch> {
  const { log, onReload, settleMs = 250, pollMs = 30_000 } = options;
  const applied = new Map<WatchedFiles, string>();
  /** Content that could not be taken over: reported once. */
  const reported = new Map<WatchedFiles, string>();
  for (const group of groups) applied.set(group, await digest(group));

  let running: Promise<void> = Promise.resolve();
  let settle: NodeJS.Timeout | undefined;
  let closed = false;

  async function checkGroup(group: WatchedFiles, force: boolean): Promise<void> {
    const content = await digest(group);
    if (!force && content === applied.get(group)) return;
    try {
      await group.apply();
      applied.set(group, content);
      reported.delete(group);
      log.info('reloaded', { what: group.what });
      onReload?.(group.what, 'success');
    } catch (error) {
      if (!force && reported.get(group) === content) return;
      reported.set(group, content);
      log.error("can't be reloaded; what was loaded before stays in force", {
        what: group.what,
        error: messageOf(error),
      });
      onReload?.(group.what, 'failure');
    }
  }

  /** One round at a time, each after the one before. */
  function check(force = false): Promise<void> {
    running = running.then(async () => {
      for (const group of groups) if (!closed) await checkGroup(group, force);
    });
    return running;
  }

  const directories = new Set(groups.flatMap(({ files }) => files.map((file) => dirname(file))));
  const watchers = [...directories].flatMap((directory) => {
    const changed = () => {
      clearTimeout(settle);
      if (!closed) settle = setTimeout(() => void check(), settleMs).unref();
    };
    return watchDirectory(directory, changed, log);
  });
  const poll = setInterval(() => void check(), pollMs).unref();

  return {
    check,
    close: () => {
      closed = true;
      clearTimeout(settle);
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** A directory that can't be watched is looked at by the poll. */
function watchDirectory(directory: string, changed: () => void, log: Log): FSWatcher[] {
  const failed = (error: unknown) => {
    log.warn("can't watch a directory; its files are looked at now and then", { directory, error: messageOf(error) });
  };
  try {
    const watcher = watch(directory, { persistent: false }, changed);
    watcher.on('error', failed);
    return [watcher];
  } catch (error) {
    failed(error);
    return [];
  }
}

async function digest({ files }: WatchedFiles): Promise<string> {
  const contents = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.from('missing'))));
  return contents.map((content) => hash('sha256', content)).join(' ');
}
