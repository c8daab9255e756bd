import { createWithStatus } from './objects.ts';
import type { ObjectWithStatus } from './objects.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { adminGroup, adminUser } from './pki.ts';
import { createRootContent, exportNames } from './root-content.ts';
import { condition, rootCluster, shardAnnotation } from './workspace.ts';

export interface ContentOptions {
  /** Base URL of the front. */
  url: string;
  /** Path of the workspace. */
  path: string;
  /** The shard that it lies on. */
  shard: string;
  /** Its WorkspaceType; `root:universal` unless told. */
  type?: string;
  /** Addresses under which each shard has its virtual workspaces; the front's for root's. */
  endpoints: readonly string[];
  /** The Workspace object that stands for it; absent for root and homes. */
  of?: { cluster: string; name: string; uid: string };
}

/** Creates what kcp puts into every new workspace: its LogicalCluster and bindings; in root also exports and types. */
export async function createWorkspaceContent(
  client: PlaneClient,
  plane: Plane,
  options: ContentOptions,
): Promise<void> {
  const bindings = '/apis/apis.kcp.io/v1alpha2/apibindings';
  await Promise.all([
    createWithStatus(client, plane, '/apis/core.kcp.io/v1alpha1/logicalclusters', logicalCluster(plane, options)),
    ...exportNames.map((name) => createWithStatus(client, plane, bindings, binding(plane, name, options.path))),
    ...(options.path === rootCluster ? [createRootContent(client, plane, options.endpoints)] : []),
  ]);
}

function logicalCluster(plane: Plane, options: ContentOptions): ObjectWithStatus {
  const { url, path, of, shard, type = path === rootCluster ? 'root:root' : 'root:universal' } = options;
  return {
    apiVersion: 'core.kcp.io/v1alpha1',
    kind: 'LogicalCluster',
    metadata: {
      name: 'cluster',
      annotations: {
        [shardAnnotation]: shard,
        'experimental.tenancy.kcp.io/owner': JSON.stringify({ username: adminUser }),
        'internal.tenancy.kcp.io/type': type,
        'kcp.io/path': path,
      },
      finalizers: ['core.kcp.io/logicalcluster-deletion'],
      labels: { 'tenancy.kcp.io/phase': 'Ready' },
    },
    spec: {
      directlyDeletable: false,
      initializers: path === rootCluster ? [] : [type, 'system:apibindings'],
      ...(of
        ? {
            createdBy: { groups: [adminGroup, 'system:authenticated'], username: adminUser },
            owner: { apiVersion: 'tenancy.kcp.io/v1alpha1', resource: 'workspaces', ...of },
          }
        : {}),
    },
    status: {
      URL: `${url}/clusters/${plane.cluster}`,
      conditions: [condition('WorkspaceInitialized')],
      phase: 'Ready',
    },
  };
}

const bindingConditions = ['Ready', 'APIExportValid', 'BindingUpToDate', 'InitialBindingCompleted', 'PermissionClaimsApplied', 'PermissionClaimsValid']; // prettier-ignore

function binding(plane: Plane, name: string, path: string): ObjectWithStatus {
  return {
    apiVersion: 'apis.kcp.io/v1alpha2',
    kind: 'APIBinding',
    metadata: { name: `${name}-${plane.cluster.slice(0, 5)}`, annotations: { 'kcp.io/path': path } },
    spec: { reference: { export: { name, path: rootCluster } } },
    status: {
      apiExportClusterName: rootCluster,
      boundResources: [],
      conditions: bindingConditions.map(condition),
      phase: 'Bound',
    },
  };
}
