import { waitFor } from '../lib/wait.ts';
import { AdminError } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { nameOf, parentOf } from './tree.ts';
import type { Grant, WorkspaceSpec, WorkspaceTree } from './tree.ts';
import { sharedPlaneAnnotation, workspacesCollection } from './workspace.ts';
import type { Workspace } from './workspace.ts';

export interface SeededWorkspace {
  path: string;
  /** Id of its logical cluster. */
  cluster: string;
}

export interface SeedOptions {
  /** Workspaces that are made at a time; 16 unless told. A real kcp takes seconds for one, but for many at once, too. */
  parallelism?: number;
  /** How long one may take to be Ready, in milliseconds; 60 s unless told. */
  deadlineMs?: number;
}

/**
 * Creates a tree of workspaces with its rights and objects in any kcp, real or not. What exists already is kept.
 *
 * @throws when a workspace isn't Ready in time
 */
export async function seed(
  admin: AdminClient,
  tree: WorkspaceTree,
  { parallelism = 16, deadlineMs = 60_000 }: SeedOptions = {},
): Promise<Record<string, SeededWorkspace>> {
  const seeded: Record<string, SeededWorkspace> = { root: { path: 'root', cluster: 'root' } };
  await grantAll(admin, 'root', tree.root.grants);
  const depths = [...new Set(tree.workspaces.map((workspace) => depthOf(workspace.path)))].sort((a, b) => a - b);
  for (const depth of depths) {
    const level = tree.workspaces.filter((workspace) => depthOf(workspace.path) === depth);
    const own = level.filter((workspace) => workspace.sharesPlaneWith === undefined);
    const sharing = level.filter((workspace) => workspace.sharesPlaneWith !== undefined);
    for (const group of [own, sharing]) {
      await forEachParallel(group, parallelism, async (workspace) => {
        seeded[workspace.path] = await seedWorkspace(admin, workspace, seeded, deadlineMs);
      });
    }
  }
  return seeded;
}

async function seedWorkspace(
  admin: AdminClient,
  workspace: WorkspaceSpec,
  seeded: Record<string, SeededWorkspace>,
  deadlineMs: number,
): Promise<SeededWorkspace> {
  const { path, sharesPlaneWith, shard } = workspace;
  const parent = parentOf(path) ?? 'root';
  const shared = sharesPlaneWith === undefined ? undefined : seeded[sharesPlaneWith]?.cluster;
  await create(admin, parent, workspacesCollection, {
    apiVersion: 'tenancy.kcp.io/v1alpha1',
    kind: 'Workspace',
    metadata: {
      name: nameOf(path),
      ...(shared === undefined ? {} : { annotations: { [sharedPlaneAnnotation]: shared } }),
    },
    spec: {
      type: { name: 'universal', path: 'root' },
      ...(shard === undefined ? {} : { location: { selector: { matchLabels: { name: shard } } } }),
    },
  });
  const ready = await waitFor(
    `workspace ${path} to be Ready`,
    async () => {
      const current = (await admin.request(parent, `${workspacesCollection}/${nameOf(path)}`)) as Workspace;
      return current.status?.phase === 'Ready' ? current : undefined;
    },
    { deadlineMs, intervalMs: 50 },
  );
  const result = { path, cluster: ready.spec?.cluster ?? '' };
  if (shared !== undefined) return result;
  await grantAll(admin, path, workspace.grants);
  await Promise.all([
    ...Object.entries(workspace.configMaps ?? {}).map(([name, data]) => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
      return create(admin, path, '/api/v1/namespaces/default/configmaps', object);
    }),
    ...Object.entries(workspace.secrets ?? {}).map(([name, stringData]) => {
      const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
      return create(admin, path, '/api/v1/namespaces/default/secrets', object);
    }),
  ]);
  return result;
}

async function grantAll(admin: AdminClient, workspace: string, grants: readonly Grant[]): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const collection = `/apis/${group}/v1`;
  await Promise.all([
    ...[...new Set(grants.map((grant) => grant.level))].map((level) => {
      const role = {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRole',
        metadata: { name: roleName(level) },
        rules: rulesOf(level),
      };
      return create(admin, workspace, `${collection}/clusterroles`, role);
    }),
    ...grants.map(({ level, subject }) =>
      create(admin, workspace, `${collection}/clusterrolebindings`, {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: `${roleName(level)}-${subject.name.toLowerCase().replace(/[^a-z0-9.]+/g, '-')}` },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: roleName(level) },
        subjects: [{ apiGroup: group, ...subject }],
      }),
    ),
  ]);
}

/** Kubernetes has ClusterRoles `edit` and `view` of its own. */
function roleName(level: Grant['level']): string {
  return `workspace-${level}`;
}

function rulesOf(level: Grant['level']): object[] {
  const enter = [
    { nonResourceURLs: ['/'], verbs: ['access'] },
    { apiGroups: ['tenancy.kcp.io'], resources: ['workspaces'], verbs: ['get', 'list', 'watch'] },
  ];
  const edit = { apiGroups: [''], resources: ['configmaps', 'namespaces', 'secrets'], verbs: ['*'] };
  if (level === 'admin') return [...enter, { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  return level === 'edit' ? [...enter, edit] : enter;
}

/** Creates an object. A new workspace may refuse for a moment while its rights and kinds come into force. */
async function create(admin: AdminClient, workspace: string, collection: string, body: object): Promise<void> {
  await waitFor(
    `an object in ${workspace}${collection}`,
    async () => {
      try {
        await admin.request(workspace, collection, { method: 'POST', body });
      } catch (error) {
        if (!(error instanceof AdminError && error.code === 409)) throw error;
      }
      return true;
    },
    { deadlineMs: 30_000 },
  );
}

async function forEachParallel<T>(
  items: readonly T[],
  parallelism: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallelism, items.length) }, worker));
}

function depthOf(path: string): number {
  return path.split(':').length;
}
