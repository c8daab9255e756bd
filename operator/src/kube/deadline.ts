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
    else if (parent) childrenOf(parent).add(abort);
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    abort,
    dispose: () => {
      cancel();
      for (const parent of parents) if (parent) children.get(parent)?.delete(abort);
    },
  };
}

/**
 * What each signal aborts. A listener for each would make one more, or one less, cost as much as there are: some signals live
 * as long as the process, and a thousand watches hang on them.
 */
const children = new WeakMap<AbortSignal, Set<() => void>>();

function childrenOf(signal: AbortSignal): Set<() => void> {
  const known = children.get(signal);
  if (known) return known;
  const made = new Set<() => void>();
  children.set(signal, made);
  signal.addEventListener(
    'abort',
    () => {
      for (const abort of made) abort();
    },
    { once: true },
  );
  return made;
}
