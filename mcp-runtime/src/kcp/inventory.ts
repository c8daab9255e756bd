import type { Principal } from '../auth/principal.ts';
import type { KcpClient } from './client.ts';
import { probeIndexed } from './index-probe.ts';
import type { WorkspaceIndex } from './workspace-index.ts';
import { limiter } from './limiter.ts';
import { Recent } from './recent.ts';
import { SharedCache } from './shared-cache.ts';
import type { Load } from './shared-cache.ts';
import { walk } from './walk.ts';
import type { Gap, Walk, Workspace } from './workspace.ts';

export type { Gap, Workspace };

/** The workspaces of one caller, as far as the caller's token leads. */
export interface CallerWorkspaces extends Walk {
  /** When kcp began to be asked. Milliseconds since the epoch. */
  readonly asOf: number;
  /**
   * How they were found: by a walk with the caller's token (`caller`), or by asking with it about each workspace of the
   * index (`index`); then `visible` is empty, since names that the caller may not enter are told to nobody.
   */
  readonly source: 'caller' | 'index';
  /** Why the index that is configured wasn't used. */
  readonly fallback?: string;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
}

/** One look at a caller's workspaces, for metrics. */
export interface InventorySample {
  readonly source: CallerWorkspaces['source'];
  /** Whether a call waited for it. */
  readonly cause: 'call' | 'background';
  /** `partial`: with gaps that may close by themselves. */
  readonly result: 'complete' | 'partial' | 'failed';
}

export interface InventoryOptions {
  readonly kcp: KcpClient;
  /** Workspace to begin at. */
  readonly root: string;
  /** How old an answer may be, in milliseconds. */
  readonly maxAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long one look may take, in milliseconds. Default 10,000. */
  readonly deadlineMs?: number;
  /** All workspaces there are; without it the tree is walked. */
  readonly index?: WorkspaceIndex | undefined;
  readonly observe?: (sample: InventorySample) => void;
}

/** "Which workspaces may I use?", answered for each caller with the caller's own token. */
export interface Inventory {
  /**
   * The caller's workspaces, at most `maxAgeMs` old. As long as they are kept it is the same object, so that what is made
   * of it can be kept beside it (in a WeakMap).
   * @throws {KcpError} when kcp doesn't answer for the root, or rejects the token.
   */
  get(principal: Principal, signal?: AbortSignal): Promise<CallerWorkspaces>;
  /**
   * Tells that kcp didn't let this caller into the workspace. What is cached is dropped, so that the next answer is new;
   * one that is only just made and agrees stays, or each refused call would cost kcp a walk.
   */
  refused(principal: Principal, workspace: string): void;
  /** Tells that this caller made or deleted a workspace: the next answer is new. */
  forget(principal: Principal): void;
  /** Ends what goes on in the background. */
  close(): void;
}

const MAX_CALLERS = 1_000;
/** Workspaces over all callers: about 300 bytes each. */
const MAX_WORKSPACES_KEPT = 30_000;
/** The index has them once for all callers: each costs a caller a reference. */
const INDEXED_WEIGHT = 1 / 25;
/** Shortest and, in times of what they took, usual age of answers with gaps that may close by themselves. */
const PARTIAL_MAX_AGE_MS = 3_000;
const PARTIAL_MAX_AGE_TIMES = 10;
const COOL_DOWN_MS = 2_000;
/** Requests of all looks at a time: calls find some of the client's 32 connections free. */
const SHARED_CONCURRENCY = 24;
/** For how long kcp's own caches may not have what a caller has written. */
const SETTLED_MS = 10_000;
/** Node.js's longest timer. */
const LONGEST_MS = 2 ** 31 - 1;

export function createInventory(options: InventoryOptions): Inventory {
  const { kcp, root, clock, deadlineMs = 10_000, index, observe } = options;
  const shared = limiter(SHARED_CONCURRENCY);
  const walked = createCache(options, 1);
  const indexed = createCache(options, INDEXED_WEIGHT);
  /** Callers who changed their workspaces a moment ago. */
  const changed = new Recent({ maxAgeMs: SETTLED_MS, maxEntries: MAX_CALLERS, clock });

  type Look = Pick<CallerWorkspaces, 'source' | 'fallback'> & Pick<InventorySample, 'cause'>;

  function look({ claimsHash, token }: Principal, { cause, ...how }: Look): Load<CallerWorkspaces> {
    return async (signal) => {
      const { source } = how;
      const asOf = clock();
      const earlier = (source === 'index' ? indexed : walked).peek(claimsHash)?.value;
      const consistent = changed.has(claimsHash);
      const survey = { root, token, deadlineMs, signal, earlier, shared, consistent };
      try {
        const found = await (source === 'index' && index !== undefined
          ? probeIndexed(kcp, index.workspaces(), survey)
          : walk(kcp, survey));
        observe?.({ source, cause, result: isPartial(found) ? 'partial' : 'complete' });
        return { ...found, asOf, tookMs: clock() - asOf, ...how };
      } catch (error) {
        observe?.({ source, cause, result: 'failed' });
        throw error;
      }
    };
  }

  /** With the token of the caller who used what is kept, and no longer than that token is good for. */
  function refresh(principal: Principal, how: Omit<Look, 'cause'>): Load<CallerWorkspaces> {
    const load = look(principal, { ...how, cause: 'background' });
    return async (signal) => {
      const left = principal.expiresAt * 1_000 - clock();
      if (left <= 0) throw new Error('the token has expired');
      const expired = new AbortController();
      const timer = setTimeout(
        () => {
          expired.abort();
        },
        Math.min(left, LONGEST_MS),
      ).unref();
      try {
        return await load(AbortSignal.any([signal, expired.signal]));
      } finally {
        clearTimeout(timer);
      }
    };
  }

  return {
    async get(principal, signal) {
      const { claimsHash } = principal;
      const fallback = index?.problem();
      if (index !== undefined) {
        const how = { source: 'index' } as const;
        // What was found by the index is good for its time, also when the index has failed since.
        const kept = fallback === undefined ? undefined : indexed.peek(claimsHash);
        if (kept !== undefined) return kept.value;
        if (fallback === undefined) {
          const load = look(principal, { ...how, cause: 'call' });
          return (await indexed.get(claimsHash, load, signal, refresh(principal, how))).value;
        }
      }
      const how = { source: 'caller', ...(fallback !== undefined && { fallback }) } as const;
      const load = look(principal, { ...how, cause: 'call' });
      return (await walked.get(claimsHash, load, signal, refresh(principal, how))).value;
    },
    refused({ claimsHash }, workspace) {
      for (const cache of [walked, indexed]) {
        const cached = cache.peek(claimsHash);
        const young = cached !== undefined && clock() - cached.asOf < COOL_DOWN_MS;
        if (!young || isEnterable(cached.value, workspace)) cache.delete(claimsHash);
      }
    },
    forget({ claimsHash }) {
      changed.add(claimsHash);
      walked.delete(claimsHash);
      indexed.delete(claimsHash);
    },
    close() {
      walked.close();
      indexed.close();
    },
  };
}

function createCache({ maxAgeMs, clock }: InventoryOptions, weight: number): SharedCache<CallerWorkspaces> {
  return new SharedCache({
    maxAgeMs,
    maxEntries: MAX_CALLERS,
    maxWeight: MAX_WORKSPACES_KEPT,
    weigh: ({ enterable, visible, gaps }) => 1 + enterable.length * weight + visible.length + gaps.length,
    // A slow kcp isn't made faster by asking it all the time.
    keepMs: (found) =>
      isPartial(found) ? Math.max(PARTIAL_MAX_AGE_MS, found.tookMs * PARTIAL_MAX_AGE_TIMES) : maxAgeMs,
    clock,
  });
}

function isPartial({ gaps }: Walk): boolean {
  return gaps.some(({ transient }) => transient);
}

/** Whether the walk found the workspace, by path or id, and the caller could enter it. */
export function isEnterable({ enterable }: Pick<Walk, 'enterable'>, workspace: string): boolean {
  return findWorkspace(enterable, workspace) !== undefined;
}

/** The workspace with that path or id. */
export function findWorkspace(workspaces: readonly Workspace[], workspace: string): Workspace | undefined {
  return workspaces.find(({ path, cluster }) => path === workspace || cluster === workspace);
}
