import { sleep, systemClock, type Clock } from '../kube/index.ts';

/** A cache that can say when the API server has answered it for the first time. */
interface Listed {
  settled(signal?: AbortSignal): Promise<void>;
}

/** How long the first lists of others' kinds are waited for once our own are there. */
const OTHERS_MS = 30_000;

/**
 * Resolves when every kind was listed once, or found not to be served. One of others that can't be listed (its conversion
 * webhook is away, say) is waited for so long only: what doesn't need it isn't to wait.
 */
export async function firstLists(
  { ours, others }: { ours: readonly Listed[]; others: readonly Listed[] },
  clock: Clock = systemClock,
  signal?: AbortSignal,
): Promise<void> {
  const all = (kinds: readonly Listed[]) => Promise.all(kinds.map((kind) => kind.settled(signal)));
  await all(ours);
  const ending = new AbortController();
  const ends = signal ? AbortSignal.any([ending.signal, signal]) : ending.signal;
  await Promise.race([sleep(clock, OTHERS_MS, ends), all(others)]);
  ending.abort();
}
