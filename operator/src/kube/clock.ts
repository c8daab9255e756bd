/** Time, as everything in this library takes it, so that tests can hold it. */
export interface Clock {
  /** Wall clock in ms since the epoch; for timestamps that others read. */
  now(): number;
  /** Monotonic ms from an arbitrary start; for every interval and deadline, since wall clocks are set back and forth. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the result cancels it. Doesn't keep the process alive. */
  after(ms: number, fn: () => void): () => void;
}

/** What Node's timers can hold; with more they fire at once. Less than nothing it warns of on standard error. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. No timer of it is longer than 24 days. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
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
