/** All in ms. */
export interface InformerTimings {
  /** First and longest delay after an error; exponential with full jitter between. Default 100 and 30,000. */
  backoffMinMs: number;
  backoffMaxMs: number;
  /** The longest delay while the API server is unreachable: soon back when it is. Default 2,000. */
  unreachableMaxMs: number;
  /** How often a missing kind is looked for. Default 30,000. */
  absentMs: number;
  /** A watch without a byte for so long is dead (bookmarks come about every minute). Default 100,000. */
  silenceMs: number;
  /** The server ends a watch after a random time between. Default 300,000 and 600,000. */
  watchMinMs: number;
  watchMaxMs: number;
}

export const defaultTimings: InformerTimings = {
  backoffMinMs: 100,
  backoffMaxMs: 30_000,
  unreachableMaxMs: 2_000,
  absentMs: 30_000,
  silenceMs: 100_000,
  watchMinMs: 300_000,
  watchMaxMs: 600_000,
};
