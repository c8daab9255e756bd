/** Time, as everything in this library takes it, so that tests can hold it. */
export interface Clock {
  /** Wall clock in ms since the epoch; for timestamps that others read. */
  now(): number;
  /** Monotonic ms from an arbitrary start; for every interval and deadline, since wall clocks are set back and forth. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the result cancels it. Doesn't keep the process alive. */
  after(ms: number, fn: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `ms`, or at once when `signal` aborts (check it afterwards). Leaves no timer or listener behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
