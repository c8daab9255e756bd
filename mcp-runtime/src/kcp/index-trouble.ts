import { KcpError, KcpStatusError } from './errors.ts';
import type { WatchState } from './index-watch.ts';

/** Why an index can't be used. */
export interface Trouble {
  /** In words that callers may read: no address, nothing that kcp said. */
  readonly reason: string;
  /** What is behind it, for the log. */
  readonly errors?: readonly string[];
}

export const LOADING = 'it is being loaded';

/**
 * What keeps copies of something from being used, if anything does: one that was refused, never came, or has been out of
 * contact for longer than `staleMs`.
 *
 * @param what they are copies of, in words for callers.
 */
export function trouble(states: readonly WatchState[], what: string, staleMs: number): Trouble | undefined {
  const errors = [...new Set(states.flatMap(({ error }) => (error === undefined ? [] : [describe(error)])))];
  if (states.some(({ phase }) => phase === 'refused')) {
    return { reason: `its identity may not read ${what}`, errors };
  }
  const stale = ({ phase, since }: WatchState) => phase === 'retrying' && performance.now() - since > staleMs;
  if (states.some((state) => !state.loaded && state.phase === 'retrying') || states.some(stale)) {
    return { reason: `${what} can't be reached`, errors };
  }
  if (states.some(({ loaded }) => !loaded)) return { reason: LOADING, errors };
  return undefined;
}

/** For the log: whom, and what came of it. */
function describe(error: unknown): string {
  if (error instanceof KcpStatusError) return `${error.context.host}: ${error.status}: ${error.message.slice(0, 300)}`;
  return error instanceof KcpError ? error.message : String(error);
}
