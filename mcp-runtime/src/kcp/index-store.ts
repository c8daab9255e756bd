import { at, stringAt } from './json.ts';
import { clusterOf, oneSegment, typeOf, validWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** What is kept of one Workspace object. */
export interface IndexEntry {
  readonly name: string;
  /** Id of the logical cluster that it lies in. */
  readonly parent: string;
  readonly cluster: string | undefined;
  readonly type: string | undefined;
  readonly phase: string | undefined;
  readonly mounted: boolean;
}

/** Reads a Workspace object of the wildcard virtual workspace; undefined where it can't be part of a path. */
export function entryOf(object: unknown): IndexEntry | undefined {
  const name = oneSegment(stringAt(object, 'metadata', 'name'));
  const parent = oneSegment(stringAt(object, 'metadata', 'annotations', 'kcp.io/cluster'));
  if (name === undefined || parent === undefined) return undefined;
  return {
    name,
    parent,
    cluster: clusterOf(object),
    type: typeOf(object),
    phase: stringAt(object, 'status', 'phase'),
    mounted: at(object, 'spec', 'mount') !== undefined,
  };
}

/** Workspaces over all shards: about 400 bytes each. */
export const MAX_INDEXED = 40_000;

const ROOT = 'root';

/** The workspaces of all shards, and the tree that they make up. */
export class IndexStore {
  readonly #shards = new Map<string, Map<string, IndexEntry>>();
  /** Texts that many have in common, once. */
  readonly #texts = new Map<string, string>();
  /** Shards of which not everything fitted in. */
  readonly #cut = new Set<string>();
  #size = 0;
  #tree: readonly Workspace[] | undefined;
  #shown = new Map<IndexEntry, Workspace>();
  readonly #max: number;

  constructor(max = MAX_INDEXED) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether there are more than fit in. */
  get overflowing(): boolean {
    return this.#cut.size > 0;
  }

  replace(shard: string, entries: readonly IndexEntry[], cut = false): void {
    this.drop(shard);
    if (cut) this.#cut.add(shard);
    for (const entry of entries) this.put(shard, entry);
  }

  put(shard: string, entry: IndexEntry): void {
    const entries = this.#shards.get(shard) ?? new Map<string, IndexEntry>();
    this.#shards.set(shard, entries);
    const key = keyOf(entry);
    const known = entries.get(key);
    // Most changes are of conditions, which nobody here reads.
    if (known !== undefined && same(known, entry)) return;
    if (known === undefined && this.#size >= this.#max) {
      this.#cut.add(shard);
      return;
    }
    if (known === undefined) this.#size += 1;
    entries.set(key, this.#compact(entry));
    this.#tree = undefined;
  }

  remove(shard: string, entry: IndexEntry): void {
    if (this.#shards.get(shard)?.delete(keyOf(entry)) !== true) return;
    this.#size -= 1;
    this.#tree = undefined;
  }

  /** Forgets all shards but these. */
  retain(shards: { has(shard: string): boolean }): void {
    for (const shard of [...this.#shards.keys()]) if (!shards.has(shard)) this.drop(shard);
  }

  /** Forgets a shard. */
  drop(shard: string): void {
    this.#size -= this.#shards.get(shard)?.size ?? 0;
    this.#shards.delete(shard);
    this.#cut.delete(shard);
    this.#tree = undefined;
  }

  /**
   * All workspaces that can be entered at all, in the order of the tree. What no Workspace object stands above is shown by
   * its id: `root`, and the home workspaces of users who have some below theirs.
   */
  tree(): readonly Workspace[] {
    this.#tree ??= this.#build();
    return this.#tree;
  }

  #build(): readonly Workspace[] {
    const below = new Map<string, IndexEntry[]>();
    const owned = new Set<string>();
    for (const entries of this.#shards.values()) {
      for (const entry of entries.values()) {
        const siblings = below.get(entry.parent);
        if (siblings === undefined) below.set(entry.parent, [entry]);
        else siblings.push(entry);
        if (entry.cluster !== undefined) owned.add(entry.cluster);
      }
    }
    const shown = new Map<IndexEntry, Workspace>();
    const tree: Workspace[] = [];
    const met = new Set<string>();
    const add = (cluster: string, path: string) => {
      // Two that claim the same cluster would show all below it twice, or lead round in a circle.
      if (met.has(cluster)) return;
      met.add(cluster);
      const siblings = below.get(cluster) ?? [];
      for (const entry of siblings.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.cluster === undefined && !entry.mounted) continue;
        const workspace = this.#show(entry, `${path}:${entry.name}`);
        if (workspace === undefined) continue;
        shown.set(entry, workspace);
        tree.push(workspace);
        if (entry.cluster !== undefined && !entry.mounted) add(entry.cluster, workspace.path);
      }
    };
    const tops = new Set([ROOT, ...[...below.keys()].filter((cluster) => !owned.has(cluster))]);
    for (const top of [...tops].sort()) {
      const cluster = top === ROOT ? undefined : top;
      tree.push({ path: top, name: top, cluster, type: undefined, phase: undefined });
      add(top, top);
    }
    this.#shown = shown;
    return tree;
  }

  /** The same object as long as nothing about the workspace changes: callers' answers hold on to it. */
  #show(entry: IndexEntry, path: string): Workspace | undefined {
    const known = this.#shown.get(entry);
    if (known?.path === path) return known;
    if (validWorkspace(path) === undefined) return undefined;
    const { name, cluster, type, phase, mounted } = entry;
    return { path, name, cluster, type, phase, ...(mounted && { mounted }) };
  }

  #compact({ name, parent, cluster, type, phase, mounted }: IndexEntry): IndexEntry {
    const once = (text: string): string => {
      const known = this.#texts.get(text);
      if (known !== undefined) return known;
      // Texts of what is long gone.
      if (this.#texts.size >= this.#max) this.#texts.clear();
      this.#texts.set(text, text);
      return text;
    };
    return {
      name,
      parent: once(parent),
      cluster,
      type: type === undefined ? undefined : once(type),
      phase: phase === undefined ? undefined : once(phase),
      mounted,
    };
  }
}

function keyOf({ parent, name }: IndexEntry): string {
  return `${parent}/${name}`;
}

function same(a: IndexEntry, b: IndexEntry): boolean {
  return a.cluster === b.cluster && a.type === b.type && a.phase === b.phase && a.mounted === b.mounted;
}
