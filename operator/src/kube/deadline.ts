import type { Clock } from './clock.ts';

/** A signal of its own that aborts after `ms` or with `parents`. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the time that ran out. */
  expired: () => boolean;
  abort: () => void;
  /** Removes timer and listeners. AbortSignal.any would keep them for as long as the longest-lived parent. */
  dispose: () => void;
}

export function createDeadline(clock: Clock, ms: number, parents: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  let expired = false;
  const abort = (): void => {
    controller.abort();
  };
  const cancel = Number.isFinite(ms)
    ? clock.after(ms, () => {
        expired = true;
        abort();
      })
    : () => undefined;
  for (const parent of parents) {
    if (parent?.aborted) abort();
    else parent?.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    abort,
    dispose: () => {
      cancel();
      for (const parent of parents) parent?.removeEventListener('abort', abort);
    },
  };
}
