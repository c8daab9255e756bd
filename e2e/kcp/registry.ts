import { WorkspaceCache } from './workspace-cache.ts';
import type { Plane } from './plane.ts';
import { parentClusterOf, rootCluster } from './workspace.ts';

/** Which plane serves which logical cluster, and which path leads to which. */
export class Registry {
  readonly workspaces = new WorkspaceCache();
  readonly #planes = new Map<string, Plane>();

  /** The logical cluster that a path (`root:acme`), an id, or an id with a path below it leads to. */
  resolve(reference: string): string | undefined {
    const [start = '', ...names] = reference.split(':');
    let cluster = start;
    for (const name of names) {
      const workspace = this.workspaces.get(cluster, name);
      if (workspace?.spec?.cluster === undefined) return undefined;
      cluster = workspace.spec.cluster;
    }
    return this.#planes.has(cluster) ? cluster : undefined;
  }

  /** The path of a logical cluster: its names from root down. */
  pathOf(cluster: string): string | undefined {
    if (cluster === rootCluster) return rootCluster;
    const workspace = this.workspaces.ownerOf(cluster);
    const parentPath = workspace && this.pathOf(parentClusterOf(workspace));
    return parentPath === undefined ? undefined : `${parentPath}:${workspace?.metadata.name ?? ''}`;
  }

  planeOf(cluster: string): Plane | undefined {
    return this.#planes.get(cluster);
  }

  /** Serves the logical cluster with this plane from now on. */
  add(cluster: string, plane: Plane): void {
    this.#planes.set(cluster, plane);
  }

  /** Stops serving it. Says which plane served it, unless another logical cluster still uses that. */
  remove(cluster: string): Plane | undefined {
    const plane = this.#planes.get(cluster);
    this.#planes.delete(cluster);
    return [...this.#planes.values()].some((other) => other === plane) ? undefined : plane;
  }
}
