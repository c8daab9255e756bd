export interface RecentOptions {
  readonly maxAgeMs: number;
  /** Most keys kept; the oldest goes first. */
  readonly maxEntries: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** What happened a moment ago, by key. */
export class Recent {
  readonly #options: RecentOptions;
  /** In the order of time. */
  readonly #times = new Map<string, number>();

  constructor(options: RecentOptions) {
    this.#options = options;
  }

  add(key: string): void {
    this.#times.delete(key);
    this.#times.set(key, this.#options.clock());
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= this.#options.maxEntries && this.has(oldest)) break;
      this.#times.delete(oldest);
    }
  }

  has(key: string): boolean {
    const time = this.#times.get(key);
    return time !== undefined && this.#options.clock() - time < this.#options.maxAgeMs;
  }
}
