import { homeClusterOf } from './ids.ts';
import type { InformerHandler } from './informer.ts';
import { WorkspaceCache } from './workspace-cache.ts';
import type { Plane } from './plane.ts';
import { parentClusterOf, rootCluster, shardName } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** Which plane serves which logical cluster, on which shard that lies, and which path leads to which. */
export class Registry {
  /** The Workspaces of all shards. */
  readonly workspaces = new WorkspaceCache();
  readonly #planes = new Map<string, Plane>();
  readonly #shards: ReadonlyMap<string, WorkspaceCache>;
  readonly #shardOf = new Map<string, string>();
  /** Paths of home workspaces, which no Workspace stands for. */
  readonly #homes = new Map<string, string>();
  #scheduled = 0;

  constructor(shards: readonly string[] = [shardName]) {
    this.#shards = new Map(shards.map((shard) => [shard, new WorkspaceCache()]));
  }

  /** The logical cluster that a path (`root:acme`), an id, or an id with a path below it leads to. */
  resolve(reference: string): string | undefined {
    const [start, names] = this.#start(reference);
    let cluster = start;
    for (const name of names) {
      const workspace = this.workspaces.get(cluster, name);
      if (workspace?.spec?.cluster === undefined) return undefined;
      cluster = workspace.spec.cluster;
    }
    return this.#planes.has(cluster) ? cluster : undefined;
  }

  /** The address that a mounted workspace on the way of a path stands for; whatever comes after its name counts for nothing. */
  mountAt(reference: string): string | undefined {
    const [start, names] = this.#start(reference);
    let cluster = start;
    for (const name of names) {
      const { spec } = this.workspaces.get(cluster, name) ?? {};
      if (spec?.mount !== undefined) return spec.URL;
      if (spec?.cluster === undefined) return undefined;
      cluster = spec.cluster;
    }
    return undefined;
  }

  /** kcp knows a home workspace as `user:NAME`, too. */
  #start(reference: string): [string, string[]] {
    const [start = '', ...names] = reference.split(':');
    const [user, ...rest] = names;
    return start === 'user' && user !== undefined ? [homeClusterOf(user), rest] : [start, names];
  }

  /** The path of a logical cluster: its names from root, or a user's home, down. */
  pathOf(cluster: string): string | undefined {
    if (cluster === rootCluster) return rootCluster;
    const home = this.#homes.get(cluster);
    if (home !== undefined) return home;
    const workspace = this.workspaces.ownerOf(cluster);
    const parentPath = workspace && this.pathOf(parentClusterOf(workspace));
    return parentPath === undefined ? undefined : `${parentPath}:${workspace?.metadata.name ?? ''}`;
  }

  planeOf(cluster: string): Plane | undefined {
    return this.#planes.get(cluster);
  }

  /** Serves the logical cluster, which lies on the shard, with this plane from now on. */
  add(cluster: string, plane: Plane, shard: string): void {
    this.#planes.set(cluster, plane);
    this.#shardOf.set(cluster, shard);
  }

  /** Makes it known that a logical cluster is somebody's home. */
  addHome(cluster: string, user: string): void {
    this.#homes.set(cluster, `user:${user}`);
  }

  /** The shard that a logical cluster lies on. */
  shardOf(cluster: string): string {
    return this.#shardOf.get(cluster) ?? shardName;
  }

  /** The shard for a new logical cluster: the one that is wanted, else each in turn. */
  nextShard(wanted?: string): string {
    const names = [...this.#shards.keys()];
    if (wanted !== undefined && names.includes(wanted)) return wanted;
    this.#scheduled += 1;
    return names[this.#scheduled % names.length] ?? shardName;
  }

  /** The Workspaces that lie on a shard. */
  cacheOf(shard: string): WorkspaceCache {
    return this.#shards.get(shard) ?? this.workspaces;
  }

  /** What an informer of one logical cluster's Workspaces tells. */
  feed(cluster: string): InformerHandler<Workspace> {
    const feeds = [this.cacheOf(this.shardOf(cluster)), this.workspaces].map((cache) => cache.feed(cluster));
    return {
      listed: (...told) => {
        for (const feed of feeds) feed.listed(...told);
      },
      changed: (...told) => {
        for (const feed of feeds) feed.changed(...told);
      },
      progressed: (...told) => {
        for (const feed of feeds) feed.progressed?.(...told);
      },
    };
  }

  /** Forgets a Workspace whose logical cluster goes. */
  forget(cluster: string, name: string): void {
    this.cacheOf(this.shardOf(cluster)).remove(cluster, name);
    this.workspaces.remove(cluster, name);
  }

  /** Stops serving it. Says which plane served it, unless another logical cluster still uses that. */
  remove(cluster: string): Plane | undefined {
    const plane = this.#planes.get(cluster);
    this.#planes.delete(cluster);
    this.#shardOf.delete(cluster);
    this.#homes.delete(cluster);
    return [...this.#planes.values()].some((other) => other === plane) ? undefined : plane;
  }
}
