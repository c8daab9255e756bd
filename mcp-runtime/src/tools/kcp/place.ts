import { KcpStatusError } from '../../kcp/errors.ts';
import { findWorkspace } from '../../kcp/inventory.ts';
import { stringAt } from '../../kcp/json.ts';
import { resourcePath, splitWorkspace } from '../../kcp/paths.ts';
import type { Call } from '../tool.ts';
import { LOGICAL_CLUSTER, LOGICAL_CLUSTER_NAME } from './kinds.ts';

/** Where the Workspace object of a workspace stands. */
export interface Place {
  readonly path: string;
  /** Path or id of the parent. */
  readonly parent: string;
  readonly name: string;
}

/** The one workspace without a parent; its id is its path. */
const ROOT = 'root';

/**
 * Where the Workspace object stands: told by the path, by the logical cluster, or by the caller's inventory.
 * @param cluster the LogicalCluster object, where it was read already.
 * @returns undefined for `root`, home workspaces, and where nobody tells.
 */
export async function placeOf(workspace: string, cluster: unknown, call: Call): Promise<Place | undefined> {
  const split = splitWorkspace(workspace);
  if (split !== undefined) return { path: workspace, ...split };
  const parent = stringAt(cluster, 'spec', 'owner', 'cluster');
  const name = stringAt(cluster, 'spec', 'owner', 'name');
  if (parent !== undefined && name !== undefined && stringAt(cluster, 'spec', 'owner', 'resource') === 'workspaces') {
    return { path: stringAt(cluster, 'metadata', 'annotations', 'kcp.io/path') ?? workspace, parent, name };
  }
  if (cluster !== undefined || workspace === ROOT) return undefined;
  const { enterable, visible } = await call.inventory.get(call.principal, call.signal);
  const path = findWorkspace([...enterable, ...visible], workspace)?.path;
  const known = path === undefined ? undefined : splitWorkspace(path);
  return path === undefined || known === undefined ? undefined : { path, ...known };
}

/** The same, reading the LogicalCluster where that is what tells. @throws {KcpError} */
export async function placeInParent(workspace: string, call: Call): Promise<Place | undefined> {
  if (splitWorkspace(workspace) !== undefined || workspace === ROOT) return placeOf(workspace, undefined, call);
  const target = { verb: 'get', ...LOGICAL_CLUSTER, name: LOGICAL_CLUSTER_NAME };
  try {
    return await placeOf(workspace, await call.api.request({ workspace, path: resourcePath(target), target }), call);
  } catch (error) {
    if (!(error instanceof KcpStatusError) || error.status !== 403) throw error;
    return placeOf(workspace, undefined, call);
  }
}
