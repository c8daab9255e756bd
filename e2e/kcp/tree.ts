/** What a person may do in one workspace. */
export interface Grant {
  /** User name as kcp sees it (the email), or a group. */
  subject: { kind: 'User' | 'Group'; name: string };
  /** `enter`: access and listing child workspaces; `edit`: also all verbs on namespaces, ConfigMaps and Secrets; `admin`: everything. */
  level: 'enter' | 'edit' | 'admin';
}

export interface WorkspaceSpec {
  /** Full path, `root:org:leaf`. Parents come before their children in a tree. */
  path: string;
  grants: Grant[];
  /** Objects made in namespace `default`. */
  configMaps?: Record<string, Record<string, string>>;
  secrets?: Record<string, Record<string, string>>;
  /** Name of the shard that it is to lie on; kcp chooses unless told. */
  shard?: string;
  /**
   * Path of a leaf workspace earlier in the tree whose control plane also serves this one (same objects, same rights):
   * makes trees of thousands affordable. The stand-in only; a real kcp ignores it.
   */
  sharesPlaneWith?: string;
}

export interface WorkspaceTree {
  root: Pick<WorkspaceSpec, 'grants'>;
  workspaces: WorkspaceSpec[];
}

const alice: Grant['subject'] = { kind: 'User', name: 'alice@example.com' };
const bob: Grant['subject'] = { kind: 'User', name: 'bob@example.com' };
const everyone: Grant['subject'] = { kind: 'Group', name: 'system:authenticated' };

/** Two organisations: alice works in `root:acme:team-a`, bob in `root:globex:team-x`, nobody in `root:acme:team-b`. */
export const demoTree: WorkspaceTree = {
  root: { grants: [{ subject: everyone, level: 'enter' }] },
  workspaces: [
    { path: 'root:acme', grants: [{ subject: alice, level: 'enter' }] },
    { path: 'root:globex', grants: [{ subject: bob, level: 'enter' }] },
    {
      path: 'root:acme:team-a',
      grants: [{ subject: alice, level: 'edit' }],
      configMaps: {
        'shop-settings': { currency: 'EUR', theme: 'dark' },
        'release-notes': { latest: '2.4.0: faster checkout' },
      },
      secrets: { 'shop-database': { username: 'shop', password: 'not-for-any-model' } },
    },
    {
      path: 'root:acme:team-b',
      grants: [],
      configMaps: { 'billing-settings': { cycle: 'monthly' } },
    },
    {
      path: 'root:globex:team-x',
      grants: [{ subject: bob, level: 'edit' }],
      configMaps: { 'robot-settings': { speed: 'slow' }, 'safety-rules': { first: 'stop when in doubt' } },
    },
  ],
};

/** The path of the parent workspace; undefined for `root`. */
export function parentOf(path: string): string | undefined {
  const end = path.lastIndexOf(':');
  return end < 0 ? undefined : path.slice(0, end);
}

/** The last part of a path: the name of its Workspace object. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(':') + 1);
}
