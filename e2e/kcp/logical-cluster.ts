import { createObject, patchObject } from './bootstrap.ts';
import type { KubeObject } from './bootstrap.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { adminGroup, adminUser } from './pki.ts';
import { rootCluster, shardName } from './workspace.ts';

export interface ContentOptions {
  /** Base URL of the front. */
  url: string;
  /** Path of the workspace. */
  path: string;
  /** The Workspace object that stands for it; absent for root. */
  of?: { cluster: string; name: string; uid: string };
}

const exportNames = ['tenancy.kcp.io', 'topology.kcp.io'];

/** Creates what kcp puts into every new workspace: its LogicalCluster and bindings; in root also exports and types. */
export async function createWorkspaceContent(
  client: PlaneClient,
  plane: Plane,
  options: ContentOptions,
): Promise<void> {
  await Promise.all([
    createLogicalCluster(client, plane, options),
    ...exportNames.map((name) => createWithStatus(client, plane, '/apis/apis.kcp.io/v1alpha2/apibindings', binding(plane, name, options.path))),
    ...(options.path === rootCluster ? rootObjects(options.url) : []).map(([collection, object]) =>
      createWithStatus(client, plane, collection, object),
    ),
  ]); // prettier-ignore
}

interface ObjectWithStatus extends KubeObject {
  status: object;
}

async function createWithStatus(
  client: PlaneClient,
  plane: Plane,
  collection: string,
  object: ObjectWithStatus,
): Promise<void> {
  const { status, ...rest } = object;
  await createObject(client, plane, collection, rest);
  await patchObject(client, plane, `${collection}/${object.metadata.name}/status`, { status });
}

async function createLogicalCluster(
  client: PlaneClient,
  plane: Plane,
  { url, path, of }: ContentOptions,
): Promise<void> {
  await createWithStatus(client, plane, '/apis/core.kcp.io/v1alpha1/logicalclusters', {
    apiVersion: 'core.kcp.io/v1alpha1',
    kind: 'LogicalCluster',
    metadata: {
      name: 'cluster',
      annotations: {
        'core.kcp.io/shard': shardName,
        'experimental.tenancy.kcp.io/owner': JSON.stringify({ username: adminUser }),
        'internal.tenancy.kcp.io/type': path === rootCluster ? 'root:root' : 'root:universal',
        'kcp.io/path': path,
      },
      labels: { 'tenancy.kcp.io/phase': 'Ready' },
    },
    spec: {
      directlyDeletable: false,
      initializers: path === rootCluster ? [] : ['root:universal', 'system:apibindings'],
      ...(of
        ? {
            createdBy: { groups: [adminGroup, 'system:authenticated'], username: adminUser },
            owner: { apiVersion: 'tenancy.kcp.io/v1alpha1', resource: 'workspaces', ...of },
          }
        : {}),
    },
    status: {
      URL: `${url}/clusters/${plane.cluster}`,
      conditions: [trueCondition('APIBindingsReconciled'), trueCondition('WorkspaceInitialized')],
      phase: 'Ready',
    },
  });
}

function binding(plane: Plane, name: string, path: string): ObjectWithStatus {
  const conditions = ['Ready', 'APIExportValid', 'BindingUpToDate', 'InitialBindingCompleted', 'PermissionClaimsApplied', 'PermissionClaimsValid']; // prettier-ignore
  return {
    apiVersion: 'apis.kcp.io/v1alpha2',
    kind: 'APIBinding',
    metadata: { name: `${name}-${plane.cluster.slice(0, 5)}`, annotations: { 'kcp.io/path': path } },
    spec: { reference: { export: { name, path: rootCluster } } },
    status: {
      apiExportClusterName: rootCluster,
      boundResources: [],
      conditions: conditions.map(trueCondition),
      phase: 'Bound',
    },
  };
}

function rootObjects(url: string): [string, ObjectWithStatus][] {
  const workspaceType = (name: string): [string, ObjectWithStatus] => [
    '/apis/tenancy.kcp.io/v1alpha1/workspacetypes',
    {
      apiVersion: 'tenancy.kcp.io/v1alpha1',
      kind: 'WorkspaceType',
      metadata: { name, annotations: { 'kcp.io/path': rootCluster } },
      spec: { defaultChildWorkspaceType: { name: 'universal', path: rootCluster } },
      status: { conditions: [trueCondition('Ready'), trueCondition('VirtualWorkspaceURLsReady')] },
    },
  ];
  const apiExport = (name: string): [string, ObjectWithStatus] => [
    '/apis/apis.kcp.io/v1alpha2/apiexports',
    {
      apiVersion: 'apis.kcp.io/v1alpha2',
      kind: 'APIExport',
      metadata: { name, annotations: { 'kcp.io/path': rootCluster } },
      spec: { identity: { secretRef: { name, namespace: 'kcp-system' } }, maximalPermissionPolicy: { local: {} } },
      status: { conditions: [trueCondition('IdentityValid')] },
    },
  ];
  return [
    ...['home', 'organization', 'root', 'team', 'universal'].map(workspaceType),
    ...exportNames.map(apiExport),
    [
      '/apis/apis.kcp.io/v1alpha1/apiexportendpointslices',
      {
        apiVersion: 'apis.kcp.io/v1alpha1',
        kind: 'APIExportEndpointSlice',
        metadata: { name: 'tenancy.kcp.io' },
        spec: { export: { name: 'tenancy.kcp.io', path: rootCluster } },
        status: {
          conditions: [trueCondition('APIExportValid'), trueCondition('PartitionValid')],
          endpoints: [{ url: `${url}/services/apiexport/root/tenancy.kcp.io` }],
        },
      },
    ],
  ];
}

function trueCondition(type: string): { lastTransitionTime: string; status: string; type: string } {
  return { lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), status: 'True', type };
}
