import type { Clock } from '../clock.ts';

interface Timer {
  at: number;
  fn: () => void;
}

/** A clock that stands still until a test moves it. Wall clock and monotonic clock move together unless `set` is called. */
export class FakeClock implements Clock {
  #monotonic = 1_000;
  #offset = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#offset + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#monotonic + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Sets the wall clock, as an administrator or NTP would. */
  set(now: number): void {
    this.#offset = now - this.#monotonic;
  }

  /** How many timers wait: 0 when nothing was left behind. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what's due in order; whatever that started gets to run in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#monotonic = Math.max(this.#monotonic, next.at);
      next.fn();
      await settle();
    }
    this.#monotonic = until;
    await settle();
  }

  /** The process was stopped for `ms`: time has passed, but no timer has fired yet. */
  freeze(ms: number): void {
    this.#monotonic += ms;
  }
}

/** Lets promises that are ready, and what they lead to, run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
