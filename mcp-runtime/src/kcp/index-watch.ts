import { setTimeout as delay } from 'node:timers/promises';
import { isTooComplex } from '../json-bounds.ts';
import { KcpProtocolError, KcpStatusError, KcpTooLargeError } from './errors.ts';
import type { RequestContext } from './errors.ts';
import type { Collection, IndexHttp } from './index-http.ts';
import { arrayAt, at, numberAt, stringAt } from './json.ts';

/** All in milliseconds. */
export interface WatchTimings {
  /** First and longest pause after a failure; exponential with full jitter between. */
  readonly backoffMs: number;
  readonly longestBackoffMs: number;
  /** A watch in which nothing arrives for so long is dead: bookmarks come every minute. */
  readonly silenceMs: number;
  /** The server is asked to end a watch after a random time between this and twice as much. */
  readonly watchMs: number;
}

export const DEFAULT_TIMINGS: WatchTimings = {
  backoffMs: 200,
  longestBackoffMs: 30_000,
  silenceMs: 90_000,
  watchMs: 300_000,
};

/** How a copy of a collection stands. */
export interface WatchState {
  /**
   * - `starting`: nothing came yet
   * - `synced`: the copy is complete, up to the watch's delay
   * - `refused`: the identity may not (401, 403)
   * - `retrying`: no contact at present; the copy is what was known last
   */
  readonly phase: 'starting' | 'synced' | 'refused' | 'retrying';
  /** Whether it was ever complete. */
  readonly loaded: boolean;
  /** Since when the phase holds. Milliseconds, of a monotonic clock. */
  readonly since: number;
  /** What failed last; for the log only. */
  readonly error?: unknown;
}

export interface WatchOptions {
  readonly http: IndexHttp;
  readonly collection: Collection;
  readonly fieldSelector?: string;
  /** Most objects taken from a list; what is beyond is left out, and `replace` told so. */
  readonly maxObjects: number;
  /** All objects there are. Called with the pages of one list, in one call, as `keep` made them. */
  readonly replace: (objects: object[], cut: boolean) => void;
  /** What to keep of an object; nothing else of it is held. */
  readonly keep: (object: unknown) => object | undefined;
  readonly changed: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown) => void;
  readonly onState: (state: WatchState) => void;
  readonly timings: WatchTimings;
}

/** A copy of a collection that is kept up to date, until `stop`. */
export interface Watch {
  readonly state: () => WatchState;
  /** Resolves when no request, timer or connection of it is left. */
  stop(): Promise<void>;
}

const PAGE = 500;
/** A watch that ends sooner is a fault: without a pause it would be a hot loop. */
const SHORTEST_WATCH_MS = 1_000;
const OPEN_MS = 15_000;
const BOUNDS = { maxValues: 300_000, maxDepth: 256 };
/** Answers to a watch after which the same resource version may still be good. */
const KEEPS_VERSION = new Set([401, 403, 429, 500, 502, 503]);

/**
 * Lists a collection, then watches it from there on: with bookmarks, so that a watch that ends is taken up where it ended;
 * listed anew when the server doesn't know that place any more (410).
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function startWatch(options: WatchOptions): Watch {
  const { http, collection, fieldSelector, timings } = options;
  const stopping = new AbortController();
  let state: WatchState = { phase: 'starting', loaded: false, since: performance.now() };
  let version: string | undefined;
  let failures = 0;

  function enter(phase: WatchState['phase'], error?: unknown): void {
    const since = phase === state.phase ? state.since : performance.now();
    const loaded = state.loaded || phase === 'synced';
    state = { phase, loaded, since, ...(error !== undefined && { error }) };
    options.onState(state);
  }

  async function list(): Promise<void> {
    const kept: object[] = [];
    let limit = PAGE;
    let next: string | undefined;
    let listed: string | undefined;
    do {
      let page: unknown;
      try {
        page = await http.list(collection, { limit, continue: next, fieldSelector }, stopping.signal);
      } catch (error) {
        // A few very large objects must not hide all others.
        if (!(error instanceof KcpTooLargeError) || limit === 1) throw error;
        limit = Math.ceil(limit / 4);
        continue;
      }
      for (const item of arrayAt(page, 'items')) {
        const object = options.keep(item);
        if (object !== undefined) kept.push(object);
      }
      listed = stringAt(page, 'metadata', 'resourceVersion') ?? '';
      next = stringAt(page, 'metadata', 'continue');
    } while (listed === undefined || (next !== undefined && kept.length <= options.maxObjects));
    options.replace(kept.slice(0, options.maxObjects), next !== undefined || kept.length > options.maxObjects);
    version = listed;
    enter('synced');
  }

  async function watch(from: string): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(fallSilent, Math.min(OPEN_MS, timings.silenceMs));
    const opened = performance.now();
    function fallSilent(): void {
      silence.abort();
    }
    try {
      const seconds = Math.ceil((timings.watchMs * (1 + Math.random())) / 1_000);
      const query = { fieldSelector, resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds: seconds };
      await http.watch(collection, from === '' ? { ...query, resourceVersion: undefined } : query, {
        signal: AbortSignal.any([stopping.signal, silence.signal]),
        onOpen: () => {
          // Complete as of that version, and nothing after it is missed.
          enter('synced');
          onActivity();
        },
        onActivity,
        onLine: take,
      });
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      throw new KcpProtocolError(`${contextOf(collection).host} fell silent in a watch`, contextOf(collection));
    } finally {
      clearTimeout(timer);
      // From nowhere in particular it can't be taken up.
      if (version === '') version = undefined;
      if (performance.now() - opened >= SHORTEST_WATCH_MS) failures = 0;
    }
    if (performance.now() - opened < SHORTEST_WATCH_MS) {
      throw new KcpProtocolError(`${contextOf(collection).host} ended a watch at once`, contextOf(collection));
    }

    function onActivity(): void {
      clearTimeout(timer);
      timer = setTimeout(fallSilent, timings.silenceMs);
    }
  }

  function take(line: string): void {
    const event = isTooComplex(line, BOUNDS) ? undefined : parseJson(line);
    if (event === undefined) {
      // A list passes it over.
      version = undefined;
      throw new KcpProtocolError(
        `${contextOf(collection).host} sent an event that can't be read`,
        contextOf(collection),
      );
    }
    const type = stringAt(event, 'type');
    const object = at(event, 'object');
    if (type === 'ERROR') throw new KcpStatusError(numberAt(object, 'code') ?? 500, object, contextOf(collection));
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') options.changed(type, object);
    version = stringAt(object, 'metadata', 'resourceVersion') ?? version;
  }

  /** @returns how long to wait, in milliseconds. */
  function failed(error: unknown): number {
    const status = error instanceof KcpStatusError ? error.status : undefined;
    if (status !== undefined && !KEEPS_VERSION.has(status)) version = undefined;
    if (error instanceof KcpTooLargeError) version = undefined;
    enter(status === 401 || status === 403 ? 'refused' : 'retrying', error);
    // To begin anew is what 410 asks for: no fault, the first time.
    if (status === 410 && failures === 0) {
      failures = 1;
      return 0;
    }
    const longest = Math.min(timings.longestBackoffMs, timings.backoffMs * 2 ** Math.min(failures, 20));
    failures += 1;
    const asked = error instanceof KcpStatusError ? (error.retryAfter ?? 0) * 1_000 : 0;
    return Math.max(Math.random() * longest, Math.min(asked, timings.longestBackoffMs));
  }

  async function run(): Promise<void> {
    const stopped = () => stopping.signal.aborted;
    while (!stopped()) {
      try {
        if (version === undefined) await list();
        await watch(version ?? '');
      } catch (error) {
        if (stopped()) return;
        await delay(failed(error), undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  const running = run();
  return {
    state: () => state,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function contextOf({ origin, path }: Collection): RequestContext {
  return { host: new URL(origin).host, workspace: '*', path, target: undefined };
}
