/** A work queue of keys: each key at most once in it, never worked on twice at a time, retried with backoff. */
import type { Clock } from './clock.ts';

export interface QueueOptions {
  /**
   * Does the work of one key. Throwing means "again, after backoff" (an error with `retryAfterMs` waits at least that
   * long); `{afterMs}` means done for now, and again then. Both forget nothing that was added meanwhile.
   */
  process: (key: string, signal: AbortSignal) => Promise<{ afterMs?: number } | undefined>;
  /** How many keys are worked on at a time. Default 8. */
  concurrency?: number;
  /** Backoff of a key that keeps failing: `min * 2^failures`, at most `max`, with jitter. Default 200 ms and 5 min. */
  backoff?: { minMs?: number; maxMs?: number };
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
  /** Work on `key` soon. While it's being worked on: once more afterwards. */
  add(key: string): void;
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

export declare function createWorkQueue(options: QueueOptions): WorkQueue;
