import { isApiError, isGone, isMissingKind, isUnreachable } from './errors.ts';
import type { InformerTimings } from './timings.ts';

/** `ms` shortened by a random part of up to a half, so that many that failed together don't come back together. */
export function jittered(ms: number, random: () => number): number {
  return ms * (1 - random() / 2);
}

/** How long an informer waits after a failure. */
export interface FailurePolicy {
  /** Counts the failure and says how many ms to wait. */
  delay(error: unknown): number;
  /** Failures since the last {@link FailurePolicy.reset}. */
  count(): number;
  /** All was well for a while. */
  reset(): void;
}

/**
 * Exponential backoff with jitter. Unreachability is counted apart, with a shorter longest delay, and ends with the
 * first answer: an API server that has just come back may answer 403 or 503 for a moment, and is to be asked again soon.
 */
export function createFailurePolicy(
  timings: Pick<InformerTimings, 'backoffMinMs' | 'backoffMaxMs' | 'unreachableMaxMs' | 'absentMs'>,
  random: () => number,
): FailurePolicy {
  let answered = 0;
  let unreachable = 0;
  let gone = 0;

  return {
    delay(error) {
      if (isUnreachable(error)) {
        unreachable += 1;
        return exponential(unreachable, timings.unreachableMaxMs);
      }
      unreachable = 0;
      if (isMissingKind(error)) return jittered(timings.absentMs, random);
      if (isGone(error)) {
        gone += 1;
        // what a watch meets that was away for long; only when it repeats something is wrong
        if (gone === 1) return 0;
      }
      answered += 1;
      const asked = isApiError(error) ? (error.retryAfterMs ?? 0) : 0;
      return Math.max(asked, exponential(answered, timings.backoffMaxMs));
    },
    count: () => answered + unreachable + gone,
    reset() {
      answered = unreachable = gone = 0;
    },
  };

  function exponential(failures: number, longest: number): number {
    return jittered(Math.min(longest, timings.backoffMinMs * 2 ** Math.min(failures - 1, 30)), random);
  }
}
