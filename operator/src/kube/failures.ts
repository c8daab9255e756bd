import { isApiError, isGone, isMissingKind, isUnreachable } from './errors.ts';
import type { InformerTimings } from './timings.ts';

/** So often an API server that has just started may refuse, as long as it doesn't know what anybody may do. */
const STARTING = 5;
/** A proxy's page for its maintenance may ask for hours, and nothing else would tell that they were fewer. */
const LONGEST_ASKED_MS = 60_000;

/** `ms` shortened by a random part of up to a half, so that many that failed together don't come back together. */
export function jittered(ms: number, random: () => number): number {
  return ms * (1 - random() / 2);
}

type Delays = Pick<InformerTimings, 'backoffMinMs' | 'backoffMaxMs' | 'unreachableMaxMs' | 'absentMs'>;

/**
 * How long an informer, or who stands for a Lease, waits after a failure. Exponential backoff with jitter, and no less than
 * Retry-After says, up to a minute. Unreachability is counted apart, with a shorter longest delay, and ends with the first answer: an
 * API server that has just come back may answer 403 or 503 for a moment, and is to be asked again soon.
 */
export class FailurePolicy {
  readonly #timings: Delays;
  readonly #random: () => number;
  #answered = 0;
  #unreachable = 0;
  #gone = 0;
  /** Failures that were answers since it was last unreachable. */
  #sinceUnreachable = Infinity;

  constructor(timings: Delays, random: () => number) {
    this.#timings = timings;
    this.#random = random;
  }

  /** Counts the failure and says how many ms to wait. */
  delay(error: unknown): number {
    if (isUnreachable(error)) {
      this.#unreachable += 1;
      this.#sinceUnreachable = 0;
      return this.#exponential(this.#unreachable, this.#timings.unreachableMaxMs);
    }
    this.#unreachable = 0;
    this.#sinceUnreachable += 1;
    if (isMissingKind(error)) return jittered(this.#timings.absentMs, this.#random);
    if (isGone(error)) {
      this.#gone += 1;
      // what a watch meets that was away for long; only when it repeats something is wrong
      if (this.#gone === 1) return 0;
    }
    this.#answered += 1;
    const asked = Math.min(LONGEST_ASKED_MS, isApiError(error) ? (error.retryAfterMs ?? 0) : 0);
    const longest = this.isAway() ? this.#timings.unreachableMaxMs : this.#timings.backoffMaxMs;
    return Math.max(asked, this.#exponential(this.#answered, longest));
  }

  /** Whether it is unreachable, or was until a moment ago: that it refuses then needn't mean anything. */
  isAway(): boolean {
    return this.#sinceUnreachable <= STARTING;
  }

  /** Failures since the last {@link FailurePolicy.reset}. */
  count(): number {
    return this.#answered + this.#unreachable + this.#gone;
  }

  /** All was well for a while. */
  reset(): void {
    this.#answered = this.#unreachable = this.#gone = 0;
    this.#sinceUnreachable = Infinity;
  }

  #exponential(failures: number, longest: number): number {
    const { backoffMinMs } = this.#timings;
    return jittered(Math.min(longest, backoffMinMs * 2 ** Math.min(failures - 1, 30)), this.#random);
  }
}
