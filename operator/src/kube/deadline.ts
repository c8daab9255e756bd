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
  const leave: (() => void)[] = [];
  for (const parent of parents) {
    if (parent?.aborted) abort();
    else if (parent) leave.push(childrenOf(parent).add(abort));
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    abort,
    dispose: () => {
      cancel();
      for (const end of leave.splice(0)) end();
    },
  };
}

/**
 * What each signal aborts. A listener for each would make one more, or one less, cost as much as there are: some signals live
 * as long as the process, and a thousand watches hang on them.
 */
const children = new WeakMap<AbortSignal, Children>();

function childrenOf(signal: AbortSignal): Children {
  const known = children.get(signal);
  if (known) return known;
  const made = new Children();
  children.set(signal, made);
  signal.addEventListener(
    'abort',
    () => {
      made.abort();
    },
    { once: true },
  );
  return made;
}

/**
 * What comes and goes with each call, in places that are used again. A Set moves to a new table now and then, and the old one keeps
 * all that hung on the calls of its time until the next major collection.
 */
class Children {
  readonly #places: ((() => void) | undefined)[] = [];
  readonly #free: number[] = [];

  /** @returns how to remove it, once */
  add(abort: () => void): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = abort;
    return () => {
      this.#places[place] = undefined;
      this.#free.push(place);
    };
  }

  abort(): void {
    for (const abort of this.#places) abort?.();
  }
}
