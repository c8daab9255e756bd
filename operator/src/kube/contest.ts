/**
 * A brake on putting right what others keep changing. The first repairs of an object are made at once; when it is taken back
 * again and again, each further one waits twice as long as the one before.
 */
import { systemClock, type Clock } from './clock.ts';
import type { Taker } from './takers.ts';

/** So many repairs in a row are made at once. */
const FREE = 5;
/** Between the repairs after those: 1 s, 2 s, 4 s … 5 min. */
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 300_000;
/** A repair that has held for so long, and for twice its delay, ends the contest. */
const CALM_MS = 60_000;
/** And for so long, the row: the next repairs are made at once again. Twice the longest delay. */
const FORGET_MS = 600_000;
/** Objects remembered; the oldest go first. */
const MAX_REMEMBERED = 20_000;

/** Somebody else keeps changing an object that is ours. */
export interface Contest {
  /** Who, and which fields. */
  takers: readonly Taker[];
  /** It is deleted, not changed. */
  deleted: boolean;
  /** In so many ms it is put right, or the contest is over if it stays as it is: ensure it again then. */
  againMs: number;
}

interface Entry {
  /** What was written last. */
  content: string;
  writtenAt: number;
  /** Writes of the same content in a row: each is a repair. */
  repairs: number;
  contested?: Pick<Contest, 'takers' | 'deleted'> | undefined;
  /** `contested` is about what happened since that write. */
  told: boolean;
}

export interface Brake {
  /**
   * The object `id` isn't as `content`, which is to be written, made it. Whether to wait, and why.
   *
   * @param who called only when the answer is wanted
   */
  hold(id: string, content: string, who: () => Pick<Contest, 'takers' | 'deleted'>): Contest | undefined;
  /** `content` was written. */
  wrote(id: string, content: string): void;
  /** The contest about an object that is as it should be at the moment, until that has been so for a while. */
  contest(id: string): Contest | undefined;
  /** The object went because it is not wanted any more. */
  forget(id: string): void;
}

export function createBrake(clock: Clock = systemClock): Brake {
  const entries = new Map<string, Entry>();

  const known = (id: string): Entry | undefined => {
    const entry = entries.get(id);
    if (entry && clock.monotonic() - entry.writtenAt >= FORGET_MS) {
      entry.repairs = 0;
      entry.contested = undefined;
    }
    return entry;
  };

  /** Those are first that were written first. */
  const forgetOldest = (): void => {
    for (const [id, { writtenAt }] of entries) {
      if (entries.size <= MAX_REMEMBERED && clock.monotonic() - writtenAt < FORGET_MS) return;
      entries.delete(id);
    }
  };

  return {
    hold(id, content, who) {
      const entry = known(id);
      if (entry?.content !== content || entry.repairs < FREE) return undefined;
      // Once a repair: a text that changed with every write of the other would be written as often.
      if (!entry.told) entry.contested = who();
      entry.told = true;
      const againMs = entry.writtenAt + delayAfter(entry.repairs) - clock.monotonic();
      return againMs > 0 && entry.contested ? { ...entry.contested, againMs } : undefined;
    },

    wrote(id, content) {
      const before = known(id);
      const repairs = before ? before.repairs + (before.content === content ? 1 : 0) : 0;
      entries.delete(id);
      entries.set(id, { content, writtenAt: clock.monotonic(), repairs, contested: before?.contested, told: false });
      forgetOldest();
    },

    contest(id) {
      const entry = known(id);
      if (!entry?.contested) return undefined;
      const calmMs = Math.max(CALM_MS, 2 * delayAfter(entry.repairs - 1));
      const againMs = entry.writtenAt + calmMs - clock.monotonic();
      if (againMs > 0) return { ...entry.contested, againMs };
      entry.contested = undefined;
      return undefined;
    },

    forget(id) {
      entries.delete(id);
    },
  };
}

/** Between a repair, the n-th in a row, and the next one. */
const delayAfter = (repairs: number): number =>
  Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** Math.max(0, Math.min(repairs - FREE, 30)));
