import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '../tool.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** How much of the time that a call has may be spent on waiting: the rest is for telling what is there by then. */
const SHARE = 0.75;

/**
 * Looks again and again until `done` says so, or most of the call's time is over.
 *
 * @param look is asked at growing intervals, a second at most.
 * @returns what was seen last, and whether that was it.
 * @throws what `look` throws, and when the call ends.
 */
export async function poll<T>(
  call: Pick<Call, 'config' | 'signal'>,
  look: () => Promise<T>,
  done: (seen: T) => boolean,
): Promise<{ readonly seen: T; readonly done: boolean }> {
  const until = performance.now() + call.config.toolset_configs.kcp.request_timeout * SHARE;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const seen = await look();
    if (done(seen)) return { seen, done: true };
    if (performance.now() + pause > until) return { seen, done: false };
    await delay(pause, undefined, { signal: call.signal });
  }
}
