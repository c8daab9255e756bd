/** A work queue of keys: each key at most once in it, never worked on twice at a time, retried with backoff. */
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { jittered } from './failures.ts';

export interface QueueOptions {
  /**
   * Does the work of one key. Throwing means "again, after backoff" (an error with a numeric `retryAfterMs` waits at
   * least that long); `{afterMs}` means done for now, and again then. Either way what was added meanwhile comes sooner,
   * unless the work itself was the cause of that: `caused` are the causes (see {@link WorkQueue.add}) that it knows of.
   */
  process: (
    key: string,
    signal: AbortSignal,
  ) => Promise<{ afterMs?: number | undefined; caused?: ReadonlySet<string> } | undefined>;
  /** How many keys are worked on at a time. Default 8. */
  concurrency?: number;
  /** Delay of a key that keeps failing: `min * 2^failures`, at most `max`, with jitter. Default 200 ms and 5 min. */
  backoff?: { minMs?: number; maxMs?: number };
  /** The longest delay after this error, e.g. a short one while the API server is unreachable. Default: the backoff's. */
  longestDelayMs?: (error: unknown) => number | undefined;
  clock?: Clock;
  random?: () => number;
  hooks?: QueueHooks;
}

/** For metrics and logs. A hook that throws is ignored. */
export interface QueueHooks {
  /** Keys that wait for a worker, after each change. */
  onDepth?(depth: number): void;
  /** A worker took a key that waited so long. */
  onStart?(key: string, waitedMs: number): void;
  onDone?(key: string, tookMs: number, error?: unknown): void;
  /** A key failed for the n-th time in a row and is tried again after so long. */
  onRetry?(key: string, error: unknown, failures: number, delayMs: number): void;
}

export interface WorkQueue {
  /**
   * Work on `key` soon. While it's being worked on: once more afterwards, unless that work says that it was the `cause`.
   *
   * @param cause what happened, e.g. the version of an object that changed; left out: something that no work causes
   */
  add(key: string, cause?: string): void;
  /** Work on `key` after `ms`, unless something brings it earlier. The earliest of several wins. */
  addAfter(key: string, ms: number): void;
  /** `key` is gone: drops its waiting, delayed and backoff state. */
  forget(key: string): void;
  /** Begins to work; a second call does nothing. */
  start(): void;
  /** Keys that wait for a worker, are delayed, are being worked on. */
  stats(): { waiting: number; delayed: number; active: number };
  /**
   * Takes nothing new, tells the running work by its signal after `graceMs` (default 5,000), and resolves when none is
   * left.
   */
  stop(options?: { graceMs?: number }): Promise<void>;
}

interface Delayed {
  due: number;
  cancel: () => void;
}

/** A queue that does nothing before `start()`; keys may be added before. */
export function createWorkQueue(options: QueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

class KeyedQueue implements WorkQueue {
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #concurrency: number;
  readonly #min: number;
  readonly #max: number;
  /** Key → since when, in the order of their turn. */
  readonly #waiting = new Map<string, number>();
  readonly #active = new Map<string, Promise<void>>();
  /** Added while active → since when, and why. */
  readonly #again = new Map<string, { since: number; causes: Set<string | undefined> }>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #ending = new AbortController();
  #started = false;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#concurrency = options.concurrency ?? 8;
    this.#min = options.backoff?.minMs ?? 200;
    this.#max = options.backoff?.maxMs ?? 300_000;
  }

  add(key: string, cause?: string): void {
    if (this.#stopped) return;
    const now = this.#clock.monotonic();
    if (this.#active.has(key)) {
      const again = this.#again.get(key) ?? { since: now, causes: new Set() };
      again.causes.add(cause);
      this.#again.set(key, again);
      return;
    }
    if (!this.#waiting.has(key)) this.#waiting.set(key, now);
    this.#depthChanged();
    this.#takeNext();
  }

  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const due = this.#clock.monotonic() + ms;
    const before = this.#delayed.get(key);
    if (before !== undefined && before.due <= due) return;
    before?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { due, cancel });
  }

  forget(key: string): void {
    this.#waiting.delete(key);
    this.#again.delete(key);
    this.#failures.delete(key);
    this.#undelay(key);
    this.#depthChanged();
  }

  start(): void {
    this.#started = true;
    this.#takeNext();
  }

  stats(): { waiting: number; delayed: number; active: number } {
    return { waiting: this.#waiting.size, delayed: this.#delayed.size, active: this.#active.size };
  }

  async stop({ graceMs = 5_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const key of [...this.#delayed.keys()]) this.#undelay(key);
    const cancel = this.#clock.after(graceMs, () => {
      this.#ending.abort();
    });
    await Promise.all(this.#active.values());
    cancel();
  }

  #takeNext(): void {
    while (this.#started && !this.#stopped && this.#active.size < this.#concurrency) {
      const next = this.#waiting.entries().next();
      if (next.done === true) return;
      const [key, since] = next.value;
      this.#waiting.delete(key);
      // the work about to start sees everything that the delayed one would have come for
      this.#undelay(key);
      this.#active.set(key, this.#work(key, since));
      this.#depthChanged();
    }
  }

  async #work(key: string, since: number): Promise<void> {
    const startedAt = this.#clock.monotonic();
    this.#hook((hooks) => hooks.onStart?.(key, startedAt - since));
    let failure: { error: unknown } | undefined;
    let result: Awaited<ReturnType<QueueOptions['process']>>;
    try {
      // adding a key never runs its work in the caller's stack
      await Promise.resolve();
      result = await this.#options.process(key, this.#ending.signal);
    } catch (error) {
      failure = { error };
    }
    this.#hook((hooks) => hooks.onDone?.(key, this.#clock.monotonic() - startedAt, failure?.error));
    this.#active.delete(key);
    if (this.#stopped) return;
    if (failure !== undefined) this.#retry(key, failure.error);
    else this.#failures.delete(key);
    if (result?.afterMs !== undefined) this.addAfter(key, result.afterMs);
    const again = this.#again.get(key);
    const isNews = (cause: string | undefined): boolean => cause === undefined || result?.caused?.has(cause) !== true;
    if (this.#again.delete(key) && again !== undefined && [...again.causes].some(isNews))
      this.#waiting.set(key, again.since);
    this.#depthChanged();
    this.#takeNext();
  }

  #retry(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const longest = Math.min(this.#max, this.#options.longestDelayMs?.(error) ?? Infinity);
    const backoff = jittered(Math.min(longest, this.#min * 2 ** Math.min(failures - 1, 30)), this.#random);
    const delay = Math.max(backoff, askedDelay(error));
    this.#hook((hooks) => hooks.onRetry?.(key, error, failures, delay));
    this.addAfter(key, delay);
  }

  #undelay(key: string): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  #depthChanged(): void {
    this.#hook((hooks) => hooks.onDepth?.(this.#waiting.size));
  }

  #hook(call: (hooks: QueueHooks) => void): void {
    try {
      call(this.#options.hooks ?? {});
    } catch {
      // metrics are no reason to stop working
    }
  }
}

function askedDelay(error: unknown): number {
  const asked = (error as { retryAfterMs?: unknown } | null)?.retryAfterMs;
  return typeof asked === 'number' ? asked : 0;
}
