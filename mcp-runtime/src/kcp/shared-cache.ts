export interface SharedCacheOptions<V> {
  /** How old a value may be, in milliseconds; 0 keeps nothing, and calls at the same time still share one load. */
  readonly maxAgeMs: number;
  /** Most keys kept; the least recently used goes first. */
  readonly maxEntries: number;
  /** Most weight kept over all values, as `weigh` counts it. Unbounded by default. */
  readonly maxWeight?: number;
  readonly weigh?: (value: V) => number;
  /** How long this very value may be kept, where that is less than `maxAgeMs`. */
  readonly keepMs?: (value: V) => number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Cached<V> {
  readonly value: V;
  /** When its load began: the value is at least as new as that. Milliseconds since the epoch. */
  readonly asOf: number;
}

interface Entry<V> extends Cached<V> {
  readonly weight: number;
  readonly expires: number;
}

interface Flight<V> {
  readonly result: Promise<Cached<V>>;
  readonly abort: AbortController;
  waiters: number;
}

/**
 * A bounded cache that loads each key once, however many ask at the same time.
 *
 * A load belongs to all who wait for it: one that goes away doesn't end it for the others, the last one does.
 * Failures aren't kept.
 */
export class SharedCache<V> {
  readonly #options: SharedCacheOptions<V>;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #flights = new Map<string, Flight<V>>();
  #weight = 0;

  constructor(options: SharedCacheOptions<V>) {
    this.#options = options;
  }

  /** Entries kept now. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value if it is there and young enough; never loads. */
  peek(key: string): Cached<V> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key);
    if (entry.expires <= this.#options.clock()) return undefined;
    this.#put(key, entry);
    return entry;
  }

  /**
   * The value, from the cache or from `load`.
   * @param load is given a signal that fires when nobody waits any more.
   * @param signal ends this caller's wait, with its reason.
   */
  async get(key: string, load: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<Cached<V>> {
    const kept = this.peek(key);
    if (kept !== undefined) return kept;
    const flight = this.#flights.get(key) ?? this.#launch(key, load);
    flight.waiters += 1;
    try {
      return await untilAborted(flight.result, signal);
    } finally {
      flight.waiters -= 1;
      if (flight.waiters === 0) {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.abort.abort();
      }
    }
  }

  /** Forgets the value; a load under way is not kept either, as it may have begun before the reason to forget. */
  delete(key: string): void {
    this.#remove(key);
    this.#flights.delete(key);
  }

  #launch(key: string, load: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const abort = new AbortController();
    const asOf = this.#options.clock();
    const result = load(abort.signal).then(
      (value) => {
        const current = this.#flights.get(key) === flight;
        if (current) this.#flights.delete(key);
        if (current) this.#store(key, value, asOf);
        return { value, asOf };
      },
      (error: unknown) => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        throw error;
      },
    );
    // Those who wait get the failure; when nobody waits any more it is nobody's.
    result.catch(() => undefined);
    const flight: Flight<V> = { result, abort, waiters: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  #store(key: string, value: V, asOf: number): void {
    const { maxAgeMs, maxEntries, maxWeight = Infinity, weigh = () => 1, keepMs = () => maxAgeMs } = this.#options;
    const expires = asOf + Math.min(maxAgeMs, keepMs(value));
    const weight = weigh(value);
    if (expires <= this.#options.clock() || weight > maxWeight) return;
    this.#put(key, { value, asOf, weight, expires });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries && this.#weight <= maxWeight) break;
      this.#remove(oldest);
    }
  }

  /** Puts the entry last: the order of the map is the order of use. */
  #put(key: string, entry: Entry<V>): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#weight += entry.weight;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const leave = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      leave();
      return;
    }
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', leave);
    });
  });
}
