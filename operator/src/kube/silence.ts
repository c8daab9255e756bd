import type { Clock } from './clock.ts';

/**
 * Aborts what nothing was heard of for too long: the first sound must come within `firstMs`, each further one within `thenMs`.
 * One timer, however much is heard.
 */
export class SilenceGuard {
  readonly #clock: Clock;
  readonly #thenMs: number;
  readonly #ending: AbortController;
  #until: number;
  #cancel: () => void;
  /** Whether it was silence that aborted it. */
  detected = false;

  constructor(clock: Clock, firstMs: number, thenMs: number, ending: AbortController) {
    this.#clock = clock;
    this.#thenMs = thenMs;
    this.#ending = ending;
    this.#until = clock.monotonic() + firstMs;
    this.#cancel = this.#checkAfter(firstMs);
  }

  heard(): void {
    this.#until = this.#clock.monotonic() + this.#thenMs;
  }

  dispose(): void {
    this.#cancel();
  }

  #checkAfter(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const left = this.#until - this.#clock.monotonic();
      if (left > 0) {
        this.#cancel = this.#checkAfter(left);
      } else {
        this.detected = true;
        this.#ending.abort();
      }
    });
  }
}
