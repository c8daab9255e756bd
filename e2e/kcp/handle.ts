import type { OIDCOptions } from './plane.ts';
import type { SeedOptions, SeededWorkspace } from './seed.ts';
import type { WorkspaceTree } from './tree.ts';

export interface KcpOptions {
  /** Run folder; kcp's own files go into `DIR/kcp`. */
  dir: string;
  address: string;
  port: number;
  oidc: OIDCOptions;
  /** Workspaces, rights and objects to create; the demo's unless told. */
  tree?: WorkspaceTree;
  /** How the tree is made. */
  seeding?: SeedOptions;
  /** How many shards; 1 unless told. A real kcp that we start has one, whatever is asked for. */
  shards?: number;
}

export interface KcpHandle {
  /** `https://ADDRESS:PORT`; a workspace is at `/clusters/PATH`. */
  url: string;
  caFile: string;
  /** CA of shards that have addresses of their own. */
  shardCAFile?: string;
  /** Current context `root`, with all rights everywhere. */
  adminKubeconfig: string;
  /**
   * What reached kcp, as JSON lines without tokens (see request-log.ts). Of a real kcp that we start: its audit log,
   * without its own controllers; of one that was there before: an empty file.
   */
  requestLog: string;
  /** Signs client certificates that kcp accepts (common name = user, organizations = groups); not for a foreign kcp. */
  clientCA?: { certFile: string; keyFile: string };
  /** The process, of a real kcp that we start. */
  pid?: number;
  /** The tree's workspaces and `root`, by path. */
  workspaces: Record<string, SeededWorkspace>;
  stop(): Promise<void>;
}

/** A kcp before anything is created in it. */
export type RunningKcp = Omit<KcpHandle, 'workspaces'>;
