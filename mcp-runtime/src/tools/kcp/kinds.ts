import { UnknownKindError } from '../../kcp/discovery.ts';
import type { ResourceType } from '../../kcp/discovery.ts';
import { parseApiVersion } from '../../kcp/paths.ts';
import type { Call } from '../tool.ts';

// kcp's own kinds. What every workspace serves needs no discovery.

export const WORKSPACE = {
  group: 'tenancy.kcp.io',
  version: 'v1alpha1',
  kind: 'Workspace',
  resource: 'workspaces',
  namespaced: false,
} as const;

export const WORKSPACE_TYPE = {
  group: 'tenancy.kcp.io',
  version: 'v1alpha1',
  kind: 'WorkspaceType',
  resource: 'workspacetypes',
  namespaced: false,
} as const;

export const LOGICAL_CLUSTER = {
  group: 'core.kcp.io',
  version: 'v1alpha1',
  kind: 'LogicalCluster',
  resource: 'logicalclusters',
  namespaced: false,
} as const;

/** The one object of its kind in each workspace. */
export const LOGICAL_CLUSTER_NAME = 'cluster';

export const API_BINDING = { group: 'apis.kcp.io', kind: 'APIBinding' } as const;
export const API_EXPORT = { group: 'apis.kcp.io', kind: 'APIExport' } as const;

/** Newest first: installations of before 2025 serve the last one only. */
const API_VERSIONS = ['apis.kcp.io/v1alpha2', 'apis.kcp.io/v1alpha1'] as const;

/**
 * The newest version of one of kcp's API kinds that the workspace serves.
 * @throws {UnknownKindError} {KcpError}
 */
export async function resolveApiKind(kind: string, workspace: string, call: Call): Promise<ResourceType> {
  const { principal, signal, discovery } = call;
  const [newest, older] = API_VERSIONS.map((version) => ({
    workspace,
    kind,
    groupVersion: parseApiVersion(version),
    principal,
    signal,
  }));
  if (newest === undefined || older === undefined) throw new Error('no versions');
  try {
    return await discovery.resolve(newest);
  } catch (error) {
    if (!(error instanceof UnknownKindError)) throw error;
    return discovery.resolve(older);
  }
}
