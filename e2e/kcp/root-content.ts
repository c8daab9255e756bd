import { frontIdentity } from './plane-client.ts';
import { createWithStatus } from './objects.ts';
import type { KubeObject, ObjectWithStatus } from './objects.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { condition, rootCluster } from './workspace.ts';

/** The APIExports that every workspace is bound to. */
export const exportNames = ['tenancy.kcp.io', 'topology.kcp.io'];

const exportsCollection = '/apis/apis.kcp.io/v1alpha2/apiexports';

/** Creates what only `root` has: workspace types, exports, and the address of the wildcard virtual workspace. */
export async function createRootContent(
  client: PlaneClient,
  plane: Plane,
  endpoints: readonly string[],
): Promise<void> {
  const types = ['home', 'organization', 'root', 'team', 'universal'].map(workspaceType);
  await Promise.all([
    ...types.map((type) => createWithStatus(client, plane, '/apis/tenancy.kcp.io/v1alpha1/workspacetypes', type)),
    ...exportNames.map((name) => createWithStatus(client, plane, exportsCollection, apiExport(name))),
  ]);
  const path = `${exportsCollection}/tenancy.kcp.io`;
  const tenancy = (await client.json(plane.url, frontIdentity, { path })) as KubeObject;
  const slices = '/apis/apis.kcp.io/v1alpha1/apiexportendpointslices';
  await createWithStatus(client, plane, slices, endpointSlice(endpoints, tenancy.metadata.uid ?? ''));
}

function workspaceType(name: string): ObjectWithStatus {
  return {
    apiVersion: 'tenancy.kcp.io/v1alpha1',
    kind: 'WorkspaceType',
    metadata: { name, annotations: { 'kcp.io/path': rootCluster } },
    spec: { defaultChildWorkspaceType: { name: 'universal', path: rootCluster } },
    status: { conditions: [condition('Ready'), condition('VirtualWorkspaceURLsReady')] },
  };
}

function apiExport(name: string): ObjectWithStatus {
  return {
    apiVersion: 'apis.kcp.io/v1alpha2',
    kind: 'APIExport',
    metadata: { name, annotations: { 'kcp.io/path': rootCluster } },
    spec: { identity: { secretRef: { name, namespace: 'kcp-system' } }, maximalPermissionPolicy: { local: {} } },
    status: { conditions: [condition('IdentityValid')] },
  };
}

function endpointSlice(urls: readonly string[], exportUID: string): ObjectWithStatus {
  const name = 'tenancy.kcp.io';
  return {
    apiVersion: 'apis.kcp.io/v1alpha1',
    kind: 'APIExportEndpointSlice',
    metadata: {
      name,
      ownerReferences: [{ apiVersion: 'apis.kcp.io/v1alpha1', kind: 'APIExport', name, uid: exportUID }],
    },
    spec: { export: { name, path: rootCluster } },
    status: {
      conditions: [condition('APIExportValid'), condition('PartitionValid')],
      endpoints: urls.map((url) => ({ url: `${url}/services/apiexport/root/${name}` })),
    },
  };
}
