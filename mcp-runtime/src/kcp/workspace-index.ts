import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Log } from '../log.ts';
import { createIndexHttp } from './index-http.ts';
import type { IndexAccess, IndexHttp } from './index-http.ts';
import { SLICE, shardsOf } from './index-shards.ts';
import type { Shards } from './index-shards.ts';
import { IndexStore, MAX_INDEXED, entryOf } from './index-store.ts';
import type { IndexEntry } from './index-store.ts';
import { DEFAULT_TIMINGS, startWatch } from './index-watch.ts';
import type { Watch, WatchTimings } from './index-watch.ts';
import { LOADING, trouble } from './index-trouble.ts';
import type { Trouble } from './index-trouble.ts';
import { stringAt } from './json.ts';
import { KubeconfigError, parseIdentityKubeconfig } from './kubeconfig.ts';
import { readCertificates } from './kubeconfig-user.ts';
import type { Workspace } from './workspace.ts';

export interface WorkspaceIndexOptions {
  /** Kubeconfig of the index identity (`index_kubeconfig`). */
  readonly kubeconfigFile: string;
  /** PEM file with the CA of shards at other addresses (`index_certificate_authority`). */
  readonly caFile?: string | undefined;
  readonly log: Log;
  /** Called when something about it has changed. */
  readonly observe?: (stand: IndexStand) => void;
  readonly timings?: Partial<WatchTimings>;
  /** How long it is used without contact to a shard, in milliseconds. Default 30,000. */
  readonly staleMs?: number;
}

/** For metrics. */
export interface IndexStand {
  readonly usable: boolean;
  readonly workspaces: number;
  readonly shards: { readonly synced: number; readonly waiting: number };
}

/**
 * All Workspaces of all shards, by one LIST and WATCH of the virtual workspace of the APIExport `tenancy.kcp.io` on each,
 * with an identity of its own. What it holds is for nobody's eyes: whoever asks is told what kcp opens to their own token.
 */
export interface WorkspaceIndex {
  /** Why it can't be used now, in words that callers may read; undefined when it can. */
  problem(): string | undefined;
  /** All workspaces, in the order of the tree: the same array until one changes. */
  workspaces(): readonly Workspace[];
  /**
   * Reads its files again and moves to what they say; what is known stays until it is listed anew.
   * @returns whether anything changed.
   * @throws {KubeconfigError} when they can't be used; the old ones stay in force.
   */
  reload(): Promise<boolean>;
  /** Resolves when no request or connection of it is left. */
  close(): Promise<void>;
}

interface Connection {
  /** Of the files that it was made of. */
  readonly digest: string;
  readonly http: IndexHttp;
  readonly slice: Watch;
  readonly shards: Map<string, Watch>;
  /** What the slice says, null where there is none; undefined until that is known. */
  listed: Shards | null | undefined;
}

const STALE_MS = 30_000;
const NOT_IN_USE = 'workspace index not in use: callers get what a walk with their own token finds';

/** Starts it. Files that can't be used are logged, and are its problem until `reload`. */
export async function createWorkspaceIndex(options: WorkspaceIndexOptions): Promise<WorkspaceIndex> {
  const { log, observe, staleMs = STALE_MS } = options;
  const timings = { ...DEFAULT_TIMINGS, ...options.timings };
  const store = new IndexStore();
  let connection: Connection | undefined;
  let told: string | undefined = 'starting';

  function connect(digest: string, access: IndexAccess): Connection {
    const http = createIndexHttp(access);
    const shards = new Map<string, Watch>();
    const onState = () => {
      problem();
    };
    const slices = startWatch({
      http,
      collection: { origin: access.endpoint.origin, path: SLICE.path },
      fieldSelector: `metadata.name=${SLICE.name}`,
      maxObjects: 1,
      keep: (slice) => (stringAt(slice, 'metadata', 'name') === SLICE.name ? shardsOf(slice) : undefined),
      replace: ([slice]) => {
        follow((slice as Shards | undefined) ?? null);
      },
      changed: (type, slice) => {
        if (stringAt(slice, 'metadata', 'name') !== SLICE.name) return;
        follow(type === 'DELETED' ? null : shardsOf(slice));
      },
      onState,
      timings,
    });
    const made: Connection = { digest, http, slice: slices, shards, listed: undefined };

    function follow(slice: Shards | null): void {
      made.listed = slice;
      const wanted = slice?.collections ?? new Map<string, never>();
      for (const [url, watch] of shards) {
        if (wanted.has(url)) continue;
        shards.delete(url);
        void watch.stop();
      }
      store.retain(wanted);
      for (const [url, collection] of wanted) {
        if (!shards.has(url)) shards.set(url, startWatch({ ...shardOptions(url), http, collection, onState, timings }));
      }
      onState();
    }
    return made;
  }

  function shardOptions(url: string) {
    return {
      maxObjects: MAX_INDEXED,
      keep: entryOf,
      replace: (entries: object[], cut: boolean) => {
        store.replace(url, entries as IndexEntry[], cut);
      },
      changed: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown) => {
        const entry = entryOf(object);
        if (entry === undefined) return;
        if (type === 'DELETED') store.remove(url, entry);
        else store.put(url, entry);
        report();
      },
    };
  }

  function judge(): Trouble | undefined {
    if (connection === undefined) return { reason: 'its kubeconfig or CA cannot be used' };
    const { slice, shards, listed } = connection;
    const states = [...shards.values()].map((watch) => watch.state());
    const down = trouble([slice.state()], 'the list of shards', staleMs);
    if (down !== undefined) return down;
    if (listed === undefined || listed === null) {
      return { reason: listed === null ? 'there is no list of shards' : LOADING };
    }
    // Without one of them it would be told for the whole.
    const errors = listed.refused.map((url) => `not the address of a shard: ${url.slice(0, 300)}`);
    if (errors.length > 0) return { reason: 'the list of shards has an address that is none', errors };
    if (states.length === 0) return { reason: 'no shard is listed' };
    const shardDown = trouble(states, states.length === 1 ? 'kcp' : `one of ${states.length} shards`, staleMs);
    if (shardDown !== undefined) return shardDown;
    if (store.overflowing) return { reason: `there are more than ${MAX_INDEXED} workspaces` };
    return undefined;
  }

  function problem(): string | undefined {
    const found = judge();
    if (found?.reason !== told) {
      told = found?.reason;
      if (found === undefined)
        log.info('workspace index in use', { workspaces: store.size, shards: connection?.shards.size });
      else log[found.reason === LOADING ? 'info' : 'warn'](NOT_IN_USE, found);
    }
    report();
    return found?.reason;
  }

  function report(): void {
    if (observe === undefined) return;
    const states = [...(connection?.shards.values() ?? [])].map((watch) => watch.state());
    const synced = states.filter(({ phase }) => phase === 'synced').length;
    observe({
      usable: told === undefined,
      workspaces: store.size,
      shards: { synced, waiting: states.length - synced },
    });
  }

  async function load(): Promise<boolean> {
    const { kubeconfigFile, caFile } = options;
    const text = await read(kubeconfigFile, 'index_kubeconfig');
    const ca = caFile === undefined ? undefined : await read(caFile, 'index_certificate_authority');
    const digest = hash('sha256', JSON.stringify([text, ca]));
    if (digest === connection?.digest) return false;
    const shardCa = ca === undefined ? undefined : readCertificates(ca, `index_certificate_authority ${caFile ?? ''}`);
    const old = connection;
    connection = connect(digest, { ...parse(text, kubeconfigFile), shardCa });
    if (old !== undefined) await disconnect(old);
    return true;
  }

  const index: WorkspaceIndex = {
    problem,
    workspaces: () => store.tree(),
    reload: load,
    async close() {
      const old = connection;
      connection = undefined;
      if (old !== undefined) await disconnect(old);
    },
  };
  try {
    await load();
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    log.error("the workspace index can't be used", { error: error.message });
    problem();
  }
  return index;
}

async function disconnect({ http, slice, shards }: Connection): Promise<void> {
  await Promise.all([slice.stop(), ...[...shards.values()].map((watch) => watch.stop())]);
  await http.close();
}

async function read(file: string, key: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new KubeconfigError(`${key} ${file} can't be read (${code})`);
  }
}

function parse(text: string, file: string) {
  try {
    return parseIdentityKubeconfig(text);
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new KubeconfigError(`index_kubeconfig ${file}: ${error.message}`);
  }
}
