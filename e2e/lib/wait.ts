import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Give up after this long, in milliseconds. */
  deadlineMs: number;
  /** Pause between tries, in milliseconds; 100 unless told. */
  intervalMs?: number;
  /** Ends the wait early, with the signal's reason. */
  signal?: AbortSignal;
}

/** The condition didn't come true in time. `cause` is the last error the check threw, if it threw. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Thrown by a check to say that waiting any longer is useless: `waitFor` passes it on at once. */
export class HopelessError extends Error {
  override readonly name = 'HopelessError';
}

/**
 * Calls `check` until it returns something truthy, and returns that.
 *
 * A check that throws counts as "not yet", so that connection errors need no handling; the last one is told when time
 * runs out. A check is never interrupted: give slow ones a timeout of their own.
 *
 * @example
 * const pod = await waitFor('Pod web to be Ready', () => readyPod('web'), { deadlineMs: 30_000 });
 *
 * @throws DeadlineError after `deadlineMs`, {@link HopelessError} from the check, or the signal's reason
 */
export async function waitFor<T>(
  description: string,
  check: () => T | Promise<T>,
  { deadlineMs, intervalMs = 100, signal }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await check();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      if (error instanceof HopelessError) throw error;
      lastError = error;
    }
    const left = deadline - Date.now();
    if (left <= 0) {
      const reason = lastError === undefined ? '' : `: ${(lastError as Partial<Error>).message ?? 'it threw'}`;
      throw new DeadlineError(`waited ${deadlineMs / 1000} s for ${description}${reason}`, { cause: lastError });
    }
    await delay(Math.min(intervalMs, left), undefined, signal ? { signal } : {});
  }
}

/**
 * `Promise.all` that, when one fails, first lets the others come to their end: what they were making is then there to
 * be cleaned up, and nothing more comes.
 *
 * @throws the first rejection, in the order given
 */
export async function together<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
