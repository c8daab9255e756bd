import type { Principal } from '../auth/principal.ts';
import type { KcpClient } from './client.ts';
import { SharedCache } from './shared-cache.ts';
import { walk } from './walk.ts';
import type { Walk, Workspace } from './walk.ts';

export type { Gap, Workspace } from './walk.ts';

/** The workspaces of one caller, as far as the caller's token leads. */
export interface CallerWorkspaces extends Walk {
  /** When the walk began. Milliseconds since the epoch. */
  readonly asOf: number;
}

export interface InventoryOptions {
  readonly kcp: KcpClient;
  /** Workspace to walk down from. */
  readonly root: string;
  /** How old an answer may be, in milliseconds. */
  readonly maxAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long one walk may take, in milliseconds. Default 10,000. */
  readonly deadlineMs?: number;
}

/** "Which workspaces may I use?", answered for each caller with the caller's own token. */
export interface Inventory {
  /**
   * The caller's workspaces, at most `maxAgeMs` old.
   * @throws {KcpError} when kcp doesn't answer for the root, or rejects the token.
   */
  get(principal: Principal, signal?: AbortSignal): Promise<CallerWorkspaces>;
  /**
   * Tells that kcp answered this caller with 403. What is cached is dropped, so that the next answer is new; one
   * that is only just made and agrees with the 403 stays, or each refused call would cost kcp a walk.
   */
  refused(principal: Principal, workspace: string): void;
  /** Drops what is cached of this caller's: the caller has just changed it. */
  forget(principal: Principal): void;
}

const MAX_CALLERS = 1_000;
/** Workspaces over all callers: about 300 bytes each. */
const MAX_WORKSPACES_KEPT = 30_000;
/** For answers with gaps that may close by themselves. */
const TRANSIENT_MAX_AGE_MS = 3_000;
const COOL_DOWN_MS = 2_000;

export function createInventory(options: InventoryOptions): Inventory {
  const { kcp, root, maxAgeMs, clock, deadlineMs = 10_000 } = options;
  const cache = new SharedCache<Walk>({
    maxAgeMs,
    maxEntries: MAX_CALLERS,
    maxWeight: MAX_WORKSPACES_KEPT,
    weigh: ({ enterable, visible, gaps }) => 1 + enterable.length + visible.length + gaps.length,
    keepMs: ({ gaps }) => (gaps.some(({ transient }) => transient) ? TRANSIENT_MAX_AGE_MS : maxAgeMs),
    clock,
  });

  return {
    async get(principal, signal) {
      const { claimsHash, token } = principal;
      const { value, asOf } = await cache.get(
        claimsHash,
        (shared) => walk(kcp, { root, token, deadlineMs, signal: shared }),
        signal,
      );
      return { ...value, asOf };
    },
    forget({ claimsHash }) {
      cache.delete(claimsHash);
    },
    refused({ claimsHash }, workspace) {
      const cached = cache.peek(claimsHash);
      const young = cached !== undefined && clock() - cached.asOf < COOL_DOWN_MS;
      if (!young || isEnterable(cached.value, workspace)) cache.delete(claimsHash);
    },
  };
}

/** Whether the walk found the workspace, by path or id, and the caller could enter it. */
export function isEnterable({ enterable }: Walk, workspace: string): boolean {
  return findWorkspace(enterable, workspace) !== undefined;
}

/** Whether a workspace is another one, or below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}:`);
}

/** The workspace with that path or id. */
export function findWorkspace(workspaces: readonly Workspace[], workspace: string): Workspace | undefined {
  return workspaces.find(({ path, cluster }) => path === workspace || cluster === workspace);
}
