import type { InformerHandler } from './informer.ts';
import type { Workspace } from './workspace.ts';

/** A change of a Workspace anywhere, in the order in which the cache learnt of it. */
export interface WorkspaceEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Workspace;
}

interface LogItem extends WorkspaceEvent {
  /** Never falls from one item to the next, unlike the objects' own versions, which arrive over several connections. */
  version: number;
}

/** Every Workspace of every workspace, with a history that watches resume from: what kcp's wildcard requests see. */
export class WorkspaceCache {
  readonly #objects = new Map<string, Workspace>();
  /** Objects by the logical cluster that they stand for. */
  readonly #byCluster = new Map<string, Workspace>();
  readonly #log: LogItem[] = [];
  readonly #listeners = new Set<(event: WorkspaceEvent, version: number) => void>();
  #version = 0;
  readonly #kept: number;
  #trimmed = false;

  /** @param kept how many changes are kept at least for watches to resume from */
  constructor(kept = 20_000) {
    this.#kept = kept;
  }

  /** The resource version of the newest change. */
  get version(): number {
    return this.#version;
  }

  /** All objects, ordered by cluster and name. */
  list(): Workspace[] {
    return [...this.#objects.keys()].sort().flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** The Workspace of this name inside the logical cluster. */
  get(cluster: string, name: string): Workspace | undefined {
    return this.#objects.get(keyOf(cluster, name));
  }

  /** The Workspace that stands for a logical cluster; undefined for root's. */
  ownerOf(cluster: string): Workspace | undefined {
    return this.#byCluster.get(cluster);
  }

  /** What an informer of one logical cluster's Workspaces tells the cache. */
  feed(cluster: string): InformerHandler<Workspace> {
    return {
      listed: (items, version) => {
        const present = new Set(items.map((item) => item.metadata.name));
        for (const name of this.namesIn(cluster)) if (!present.has(name)) this.remove(cluster, name);
        for (const item of items) this.#put(cluster, item);
        this.#advance(Number(version));
      },
      changed: (type, object) => {
        if (type === 'DELETED') this.remove(cluster, object.metadata.name, object);
        else this.#put(cluster, object);
      },
      progressed: (version) => {
        this.#advance(Number(version));
      },
    };
  }

  /** Forgets an object; `last` is its last state where that is known. */
  remove(cluster: string, name: string, last?: Workspace): void {
    const key = keyOf(cluster, name);
    const known = this.#objects.get(key);
    if (!known) return;
    this.#objects.delete(key);
    if (known.spec?.cluster !== undefined) this.#byCluster.delete(known.spec.cluster);
    this.#record({ type: 'DELETED', object: last ?? known });
  }

  /** Names known inside one logical cluster. */
  namesIn(cluster: string): string[] {
    const prefix = keyOf(cluster, '');
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** Takes in what is known of an object now; older news than the cache has is ignored. */
  #put(cluster: string, object: Workspace): void {
    const key = keyOf(cluster, object.metadata.name);
    const known = this.#objects.get(key);
    if (known && versionOf(known) >= versionOf(object)) return;
    this.#objects.set(key, object);
    if (object.spec?.cluster !== undefined) this.#byCluster.set(object.spec.cluster, object);
    this.#record({ type: known ? 'MODIFIED' : 'ADDED', object });
  }

  /** Learns how far the store is, from a list or a bookmark. */
  #advance(version: number): void {
    this.#version = Math.max(this.#version, version);
  }

  /** The changes after `version`; undefined when some of them are no longer kept. */
  since(version: number): WorkspaceEvent[] | undefined {
    // The version of a change that was seen is the surest mark: all after it in the log is new to the watcher.
    const exact = this.#log.findLastIndex((item) => versionOf(item.object) === version);
    if (exact >= 0) return this.#log.slice(exact + 1);
    const first = this.#log[0];
    if (this.#trimmed && first && version < first.version) return undefined;
    return this.#log.filter((item) => item.version > version);
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: (event: WorkspaceEvent, version: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(event: WorkspaceEvent): void {
    this.#advance(versionOf(event.object));
    this.#log.push({ ...event, version: this.#version });
    if (this.#log.length > this.#kept * 2) {
      this.#log.splice(0, this.#log.length - this.#kept);
      this.#trimmed = true;
    }
    for (const listener of this.#listeners) listener(event, this.#version);
  }
}

function keyOf(cluster: string, name: string): string {
  return `${cluster}/${name}`;
}

function versionOf(object: Workspace): number {
  return Number(object.metadata.resourceVersion);
}
