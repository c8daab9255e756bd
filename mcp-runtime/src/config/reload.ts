import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, type Log } from '../log.ts';
import { watchFolders, type Folder } from './folder-watch.ts';

/** Files that are taken over together. */
export interface WatchedFiles {
  /** For logs and metrics: `config`, `certificate`, … */
  readonly what: string;
  readonly files: readonly string[];
  /** A folder whose files count too; it and they may come and go. */
  readonly folder?: {
    readonly path: string;
    /** Paths of the files that count, in the order in which they do. */
    readonly list: () => Promise<readonly string[]>;
  };
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

  let running: Promise<void> = Promise.resolve();
  let settle: NodeJS.Timeout | undefined;
  let closed = false;

  const changed = () => {
    clearTimeout(settle);
    if (!closed) settle = setTimeout(() => void check(), settleMs).unref();
  };
  const folders = watchFolders(foldersOf(groups), changed, log);

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
      await folders.refresh();
      for (const group of groups) if (!closed) await checkGroup(group, force);
    });
    return running;
  }

  // Watched before they are read: what changes in between makes an event.
  await folders.refresh();
  for (const group of groups) applied.set(group, await digest(group));
  const poll = setInterval(() => void check(), pollMs).unref();

  return {
    check,
    close: () => {
      closed = true;
      clearTimeout(settle);
      clearInterval(poll);
      folders.close();
    },
  };
}

/** The folders that tell of changes: those of the files, and for a folder that may be away the one that it would come in. */
function foldersOf(groups: readonly WatchedFiles[]): Folder[] {
  const needed = groups.flatMap(({ files }) => files.map((file) => dirname(file)));
  const optional = groups.flatMap(({ folder }) => (folder === undefined ? [] : [dirname(folder.path), folder.path]));
  return [...new Set([...needed, ...optional])].map((path) => ({ path, optional: !needed.includes(path) }));
}

/** What the group's files hold. Equal digests: the same files with the same content. */
async function digest({ files, folder }: WatchedFiles): Promise<string> {
  const listed = await folder?.list().catch((error: unknown) => [messageOf(error)]);
  const parts = [...files, ...(listed ?? [])].map(async (file) => {
    const content = await readFile(file).catch(() => Buffer.from('missing'));
    return `${file} ${hash('sha256', content)}`;
  });
  return (await Promise.all(parts)).join('\n');
}
