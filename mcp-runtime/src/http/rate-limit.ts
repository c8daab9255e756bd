/** Limits how often one caller may come (token bucket). */
export interface RateLimiter {
  /**
   * @param count messages in the request, 1 unless told.
   * @returns 0 when it may proceed, else after how many seconds it is worth trying again.
   */
  take(caller: string, count?: number): number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was right, in milliseconds. */
  at: number;
}

const MAX_CALLERS = 10_000;

/**
 * @param rps `http.rate_limit_rps`: requests per second and caller; 0 for no limit.
 * @param burst `http.rate_limit_burst`: how many at once; 0 for one second's worth.
 * @param clock milliseconds, monotonic.
 */
export function createRateLimiter(
  rps: number,
  burst: number,
  clock: () => number = () => performance.now(),
): RateLimiter {
  if (rps === 0) return { take: () => 0 };
  const capacity = burst > 0 ? burst : Math.max(1, Math.ceil(rps));
  const buckets = new Map<string, Bucket>();
  return {
    take(caller, count = 1) {
      const now = clock();
      const known = buckets.get(caller);
      // Moved to the end, so that the first is the one unused for longest.
      buckets.delete(caller);
      if (buckets.size >= MAX_CALLERS) buckets.delete(buckets.keys().next().value ?? '');
      const tokens =
        known === undefined ? capacity : Math.min(capacity, known.tokens + ((now - known.at) / 1_000) * rps);
      const allowed = tokens >= count;
      buckets.set(caller, { tokens: allowed ? tokens - count : tokens, at: now });
      return allowed ? 0 : Math.max(1, Math.ceil((count - tokens) / rps));
    },
  };
}
