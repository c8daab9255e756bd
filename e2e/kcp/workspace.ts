/** A tenancy.kcp.io/v1alpha1 Workspace as the stand-in reads it. */
export interface Workspace {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    finalizers?: string[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: {
    cluster?: string;
    URL?: string;
    type?: { name?: string; path?: string };
    /** Labels of the shard that it is to lie on. */
    location?: { selector?: { matchLabels?: Record<string, string> } };
    /** The object that says which API server stands behind it. */
    mount?: { ref: { apiVersion: string; kind: string; name: string } };
  };
  status?: { phase?: string; conditions?: unknown[] };
}

export const workspacesCollection = '/apis/tenancy.kcp.io/v1alpha1/workspaces';

/** Held until what belongs to the workspace is gone. */
export const workspaceFinalizer = 'core.kcp.io/logicalcluster';

/** Names the logical cluster that an object lies in. */
export const clusterAnnotation = 'kcp.io/cluster';

/** Who made a Workspace: JSON with username, uid, groups. */
export const ownerAnnotation = 'experimental.tenancy.kcp.io/owner';

/** The logical cluster that a Workspace was given, before its spec says so. */
export const assignedAnnotation = 'internal.tenancy.kcp.io/cluster';

/** The shard that a logical cluster lies on. */
export const shardAnnotation = 'core.kcp.io/shard';

export const phaseLabel = 'tenancy.kcp.io/phase';

/** The stand-in's own: id of the logical cluster whose plane this workspace uses instead of one of its own. */
export const sharedPlaneAnnotation = 'stand-in.kcp.io/shares-plane-of';

export const rootCluster = 'root';
/** The shard that root lies on. */
export const shardName = 'root';

/** A new id for a logical cluster: 16 characters of base 36, as kcp's. */
export function newClusterID(): string {
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => alphabet[byte % 36]).join('');
}

/** The logical cluster that a Workspace lies in. */
export function parentClusterOf(workspace: Workspace): string {
  return workspace.metadata.annotations?.[clusterAnnotation] ?? '';
}

/** A condition that is True since now. */
export function condition(type: string): { lastTransitionTime: string; status: string; type: string } {
  return { lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), status: 'True', type };
}
