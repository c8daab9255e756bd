import { setTimeout as delay } from 'node:timers/promises';
import { createObject, patchObject } from './objects.ts';
import { shardHashOf } from './ids.ts';
import { followCollection } from './informer.ts';
import { createWorkspaceContent } from './logical-cluster.ts';
import { mountStatus } from './mount.ts';
import { followNamespaces } from './namespaces.ts';
import { PlaneError } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { adminUser } from './pki.ts';
import type { PlanePool, ReservedPlane } from './plane-pool.ts';
import type { Registry } from './registry.ts';
import { assignedAnnotation, condition, ownerAnnotation, parentClusterOf, phaseLabel, rootCluster, shardAnnotation, shardName, sharedPlaneAnnotation, workspaceFinalizer, workspacesCollection } from './workspace.ts'; // prettier-ignore
import type { Workspace } from './workspace.ts';

const retryMs = 500;

/** kcp's controllers for Workspace objects: scheduling → initializing → ready, and the end of what is deleted. */
export class Lifecycle {
  readonly #client: PlaneClient;
  readonly #registry: Registry;
  readonly #pool: PlanePool;
  readonly #url: string;
  readonly #endpoints: readonly string[];
  readonly #homes = new Map<string, Promise<void>>();
  /** One piece of work at a time for each Workspace; what comes meanwhile is looked at afterwards. */
  readonly #busy = new Map<string, { again: boolean }>();
  readonly #stopped = new AbortController();

  /** @param parts `endpoints`: the addresses under which each shard has its virtual workspaces */
  constructor(parts: {
    client: PlaneClient;
    registry: Registry;
    pool: PlanePool;
    url: string;
    endpoints: readonly string[];
  }) {
    this.#client = parts.client;
    this.#registry = parts.registry;
    this.#pool = parts.pool;
    this.#url = parts.url;
    this.#endpoints = parts.endpoints;
    this.#registry.workspaces.subscribe(({ type, object }) => {
      if (type !== 'DELETED') this.#enqueue(parentClusterOf(object), object.metadata.name);
    });
  }

  /** Serves the root workspace. */
  async start(): Promise<void> {
    const plane = await this.#pool.start(rootCluster);
    await createWorkspaceContent(this.#client, plane, { ...this.#address(), path: rootCluster, shard: shardName });
    await this.#adopt(rootCluster, plane, shardName);
  }

  /** Makes a user's home workspace: a logical cluster that no Workspace stands for, and that is the user's own. */
  makeHome(cluster: string, user: string): Promise<void> {
    const made = this.#homes.get(cluster) ?? this.#makeHome(cluster, user);
    this.#homes.set(cluster, made);
    return made;
  }

  async #makeHome(cluster: string, user: string): Promise<void> {
    const shard = this.#registry.nextShard();
    const plane = await this.#pool.start(cluster);
    const type = 'root:home';
    await createWorkspaceContent(this.#client, plane, { ...this.#address(), path: `user:${user}`, type, shard });
    await this.#makeAdmin(plane, user);
    this.#registry.addHome(cluster, user);
    await this.#adopt(cluster, plane, shard);
  }

  #address(): { url: string; endpoints: readonly string[] } {
    return { url: this.#url, endpoints: this.#endpoints };
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #adopt(cluster: string, plane: Plane, shard: string): Promise<void> {
    if (this.#registry.planeOf(cluster)) return;
    this.#registry.add(cluster, plane, shard);
    if (cluster !== plane.cluster) return;
    await Promise.all([
      followNamespaces(this.#client, plane),
      followCollection(this.#client, plane, workspacesCollection, this.#registry.feed(cluster)),
    ]);
  }

  #enqueue(cluster: string, name: string): void {
    const key = `${cluster}/${name}`;
    const under = this.#busy.get(key);
    if (under) {
      under.again = true;
      return;
    }
    const work = { again: false };
    this.#busy.set(key, work);
    const run = async (): Promise<void> => {
      do {
        work.again = false;
        try {
          await this.#reconcile(cluster, name);
        } catch (error) {
          if (this.#stopped.signal.aborted) return;
          console.error(`workspace ${key}: ${error instanceof Error ? error.message : String(error)}`);
          work.again = true;
          await delay(retryMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        }
      } while (work.again && !this.#stopped.signal.aborted);
      this.#busy.delete(key);
    };
    void run();
  }

  async #reconcile(cluster: string, name: string): Promise<void> {
    const parent = this.#registry.planeOf(cluster);
    const workspace = this.#registry.workspaces.get(cluster, name);
    if (!parent || !workspace) return;
    if (workspace.metadata.deletionTimestamp !== undefined) await this.#finish(parent, workspace);
    else if (workspace.spec?.mount !== undefined) await this.#mount(parent, workspace, workspace.spec.mount);
    else if (workspace.spec?.cluster === undefined) await this.#schedule(parent, workspace);
    else if (workspace.status?.phase !== 'Ready') await this.#initialize(parent, workspace, workspace.spec.cluster);
  }

  /** A mounted Workspace has no logical cluster, but the address and phase of what it refers to. */
  async #mount(parent: Plane, workspace: Workspace, mount: Parameters<typeof mountStatus>[2]): Promise<void> {
    const object = `${workspacesCollection}/${workspace.metadata.name}`;
    const { URL, phase } = await mountStatus(this.#client, parent, mount);
    if (workspace.spec?.URL !== URL) await patchObject(this.#client, parent, object, { spec: { URL } });
    if (workspace.status?.phase !== phase)
      await patchObject(this.#client, parent, `${object}/status`, { status: { phase } });
  }

  /** Gives the Workspace its logical cluster and address. */
  async #schedule(parent: Plane, workspace: Workspace): Promise<void> {
    const { name, annotations = {}, finalizers = [] } = workspace.metadata;
    const { plane, cluster } = this.#planeFor(workspace);
    const wanted = workspace.spec?.location?.selector?.matchLabels?.['name'];
    const shard = annotations[shardAnnotation] ?? this.#registry.nextShard(wanted);
    const owner = JSON.parse(annotations[ownerAnnotation] ?? '{}') as { username?: string };
    const object = `${workspacesCollection}/${name}`;
    await patchObject(this.#client, parent, object, {
      metadata: {
        annotations: {
          [shardAnnotation]: shard,
          [ownerAnnotation]: JSON.stringify({ username: owner.username ?? adminUser }),
          [assignedAnnotation]: cluster,
          'internal.tenancy.kcp.io/shard': shardHashOf(shard),
        },
        finalizers: [...new Set([...finalizers, workspaceFinalizer])],
        labels: { [phaseLabel]: 'Scheduling' },
      },
    });
    await this.#adopt(cluster, await plane, shard);
    const URL = `${this.#url}/clusters/${this.#registry.pathOf(parent.cluster) ?? ''}:${name}`;
    await patchObject(this.#client, parent, object, {
      metadata: { labels: { [phaseLabel]: 'Initializing' } },
      spec: { cluster, URL },
    });
    await patchObject(this.#client, parent, `${object}/status`, {
      status: { phase: 'Initializing', conditions: [condition('WorkspaceScheduled')] },
    });
  }

  /** A new plane, that of an earlier try, or the one that the Workspace is to share. */
  #planeFor(workspace: Workspace): ReservedPlane {
    const { annotations = {}, uid } = workspace.metadata;
    const earlier = annotations[assignedAnnotation] ?? '';
    const started = this.#registry.planeOf(earlier);
    if (started) return { cluster: earlier, plane: Promise.resolve(started) };
    const shared = annotations[sharedPlaneAnnotation];
    if (shared === undefined) return this.#pool.take();
    const plane = this.#registry.planeOf(shared);
    if (!plane) throw new Error(`no logical cluster ${shared} to share a plane with`);
    return { plane: Promise.resolve(plane), cluster: uid.replaceAll('-', '').slice(0, 16) };
  }

  /** Fills the new logical cluster, and declares it ready. */
  async #initialize(parent: Plane, workspace: Workspace, cluster: string): Promise<void> {
    const { name, uid, annotations = {} } = workspace.metadata;
    const plane = this.#registry.planeOf(cluster);
    if (!plane) return;
    const owner = JSON.parse(annotations[ownerAnnotation] ?? '{}') as { username?: string };
    if (plane.cluster === cluster) {
      const path = `${this.#registry.pathOf(parent.cluster) ?? ''}:${name}`;
      const of = { cluster: parent.cluster, name, uid };
      const shard = this.#registry.shardOf(cluster);
      await createWorkspaceContent(this.#client, plane, { ...this.#address(), path, of, shard });
      if (owner.username !== undefined) await this.#makeAdmin(plane, owner.username);
    }
    const object = `${workspacesCollection}/${name}`;
    await patchObject(this.#client, parent, object, { metadata: { labels: { [phaseLabel]: 'Ready' } } });
    await patchObject(this.#client, parent, `${object}/status`, {
      status: { phase: 'Ready', conditions: [condition('WorkspaceInitialized'), condition('WorkspaceScheduled')] },
    });
  }

  /** Whoever makes a workspace is its administrator. */
  async #makeAdmin(plane: Plane, user: string): Promise<void> {
    await createObject(this.#client, plane, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'workspace-admin' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    });
  }

  /** Ends a deleted workspace with all workspaces below it, then lets its object go. */
  async #finish(parent: Plane, workspace: Workspace): Promise<void> {
    const { name, finalizers = [], annotations = {} } = workspace.metadata;
    const cluster = annotations[assignedAnnotation];
    if (cluster !== undefined) await this.#tearDown(cluster);
    const left = finalizers.filter((finalizer) => finalizer !== workspaceFinalizer);
    if (left.length === finalizers.length) return;
    try {
      await patchObject(this.#client, parent, `${workspacesCollection}/${name}`, { metadata: { finalizers: left } });
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof PlaneError && error.code === 404)) throw error;
    }
  }

  async #tearDown(cluster: string): Promise<void> {
    const { workspaces } = this.#registry;
    for (const name of workspaces.namesIn(cluster)) {
      const child = workspaces.get(cluster, name)?.spec?.cluster;
      if (child !== undefined) await this.#tearDown(child);
      this.#registry.forget(cluster, name);
    }
    await this.#registry.remove(cluster)?.stop();
  }
}
