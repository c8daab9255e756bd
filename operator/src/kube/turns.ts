import { systemClock, type Clock } from './clock.ts';

/** After so long nobody is patient any more. */
const PATIENCE_MS = 30_000;

/**
 * Lets at most so many in at a time; the others wait in the order in which they came. The patient come after all others, and not
 * while there is something more urgent to do; after 30 s, or when told so, they are as the others.
 */
export class Turns {
  readonly #clock: Clock;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #patient: (() => void)[] = [];
  #isBusy = false;
  #cancel: (() => void) | undefined;

  constructor(atMost: number, clock: Clock = systemClock) {
    this.#free = atMost;
    this.#clock = clock;
  }

  /** Whether there is something more urgent to do than what the patient wait for. At first there isn't. */
  setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#letIn();
  }

  /** Nobody who waits now is patient any more. */
  hurry(): void {
    this.#waiting.push(...this.#patient);
    this.#patient = [];
    this.#letIn();
  }

  /** Resolves when it is one's turn, with how to end that; to end it twice does nothing. */
  async take({ patient = false }: { patient?: boolean } = {}): Promise<() => void> {
    await new Promise<void>((resolve) => {
      (patient ? this.#patient : this.#waiting).push(resolve);
      this.#letIn();
    });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#free += 1;
      this.#letIn();
    };
  }

  #letIn(): void {
    for (; this.#free > 0; this.#free -= 1) {
      const next = this.#waiting.shift() ?? (this.#isBusy ? undefined : this.#patient.shift());
      if (!next) break;
      next();
    }
    if (this.#patient.length === 0) {
      this.#cancel?.();
      this.#cancel = undefined;
    } else {
      this.#cancel ??= this.#clock.after(PATIENCE_MS, () => {
        this.hurry();
      });
    }
  }
}
