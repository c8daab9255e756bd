import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { messageOf, type Log } from '../log.ts';

/** A folder to hear about. */
export interface Folder {
  readonly path: string;
  /** It may be away without anybody being told. */
  readonly optional: boolean;
}

/** Tells of changes in folders, also in ones that come, go and are replaced. */
export interface FolderWatch {
  /** Watches what is there by now. To be called again when something may have come or gone. */
  refresh(): Promise<void>;
  close(): void;
}

/**
 * @param changed called for every change of an entry; what it was is for the caller to find out
 */
export function watchFolders(folders: readonly Folder[], changed: () => void, log: Log): FolderWatch {
  const watched = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  /** Folders that somebody was warned about. */
  const warned = new Set<string>();
  let closed = false;

  function drop(path: string): void {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  }

  function failed({ path, optional }: Folder, error: unknown): void {
    const isAway = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (warned.has(path) || (optional && isAway)) return;
    warned.add(path);
    log.warn("can't watch a directory; its files are looked at now and then", {
      directory: path,
      error: messageOf(error),
    });
  }

  async function refreshOne(folder: Folder): Promise<void> {
    const { path } = folder;
    try {
      const identity = await identityOf(path);
      if (watched.get(path)?.identity === identity || closed) return;
      drop(path);
      const watcher = watch(path, { persistent: false }, changed);
      watcher.on('error', (error) => {
        drop(path);
        failed(folder, error);
      });
      watched.set(path, { identity, watcher });
      warned.delete(path);
    } catch (error) {
      drop(path);
      failed(folder, error);
    }
  }

  return {
    refresh: async () => {
      for (const folder of folders) await refreshOne(folder);
    },
    close: () => {
      closed = true;
      for (const path of watched.keys()) drop(path);
    },
  };
}

/** Tells a folder from another one that took its place: inodes are used again, and a watch stays with the one that is gone. */
async function identityOf(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}
