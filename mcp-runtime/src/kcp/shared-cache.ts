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
  /** Most refreshes in the background at a time over all keys; beyond, values just grow old. Default 4. */
  readonly maxRefreshes?: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Cached<V> {
  readonly value: V;
  /** When its load began: the value is at least as new as that. Milliseconds since the epoch. */
  readonly asOf: number;
}

/** Loads a value. @param signal fires when nobody waits any more, or what it loads isn't wanted any more. */
export type Load<V> = (signal: AbortSignal) => Promise<V>;

interface Entry<V> extends Cached<V> {
  readonly weight: number;
  readonly expires: number;
  /** Whether it was tried to refresh it: once, so that a kcp that fails isn't asked at each use. */
  refreshed: boolean;
}

interface Flight<V> {
  readonly result: Promise<Cached<V>>;
  readonly abort: AbortController;
  /** Begun before the value was too old, by nobody who waits. */
  readonly background: boolean;
  waiters: number;
}

/** A value is refreshed when it is used after this part of its time. */
const REFRESH_AFTER = 2 / 3;

/**
 * A bounded cache that loads each key once, however many ask at the same time.
 *
 * A load belongs to all who wait for it: one that goes away doesn't end it for the others, the last one does.
 * Failures aren't kept. A value that is used in the last third of its time is refreshed in the background: what comes of
 * that takes its place if it lasts longer, and a failure leaves it as it is.
 */
export class SharedCache<V> {
  readonly #options: SharedCacheOptions<V>;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #flights = new Map<string, Flight<V>>();
  #weight = 0;
  #refreshing = 0;
  #closed = false;

  constructor(options: SharedCacheOptions<V>) {
    this.#options = options;
  }

  /** Entries kept now. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value if it is there and young enough; never loads. */
  peek(key: string): Cached<V> | undefined {
    return this.#young(key);
  }

  #young(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key);
    if (entry.expires <= this.#options.clock()) return undefined;
    this.#put(key, entry);
    return entry;
  }

  /**
   * The value, from the cache or from `load`.
   * @param signal ends this caller's wait, with its reason.
   * @param refresh loads it in the background; not given, the value just grows old.
   */
  async get(key: string, load: Load<V>, signal?: AbortSignal, refresh?: Load<V>): Promise<Cached<V>> {
    const kept = this.#young(key);
    if (kept !== undefined) {
      if (refresh !== undefined) this.#refresh(key, kept, refresh);
      return kept;
    }
    const underWay = this.#flights.get(key);
    if (underWay?.background === true) {
      try {
        return await this.#join(key, underWay, signal);
      } catch (error) {
        // It may have ended for a reason that isn't one here, such as the end of another token.
        if (signal?.aborted === true) throw error;
      }
    }
    return this.#join(key, this.#flights.get(key) ?? this.#launch(key, load, false), signal);
  }

  /** Forgets the value; a load under way is not kept either, as it may have begun before the reason to forget. */
  delete(key: string): void {
    this.#remove(key);
    const flight = this.#flights.get(key);
    this.#flights.delete(key);
    if (flight?.background === true && flight.waiters === 1) flight.abort.abort();
  }

  /** Ends what goes on in the background; nothing more begins there. */
  close(): void {
    this.#closed = true;
    for (const flight of this.#flights.values()) if (flight.background) flight.abort.abort();
  }

  async #join(key: string, flight: Flight<V>, signal?: AbortSignal): Promise<Cached<V>> {
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

  #refresh(key: string, entry: Entry<V>, load: Load<V>): void {
    const { clock, maxRefreshes = 4 } = this.#options;
    const { asOf, expires, refreshed } = entry;
    if (refreshed || clock() < asOf + (expires - asOf) * REFRESH_AFTER) return;
    if (this.#closed || this.#refreshing >= maxRefreshes || this.#flights.has(key)) return;
    entry.refreshed = true;
    this.#refreshing += 1;
    void this.#join(key, this.#launch(key, load, true))
      .catch(() => undefined)
      .finally(() => {
        this.#refreshing -= 1;
      });
  }

  #launch(key: string, load: Load<V>, background: boolean): Flight<V> {
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
    const flight: Flight<V> = { result, abort, background, waiters: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  #store(key: string, value: V, asOf: number): void {
    const { maxAgeMs, maxEntries, maxWeight = Infinity, weigh = () => 1, keepMs = () => maxAgeMs } = this.#options;
    const expires = asOf + Math.min(maxAgeMs, keepMs(value));
    const weight = weigh(value);
    if (expires <= this.#options.clock() || weight > maxWeight) return;
    // A refresh may bring less than is there: an answer with gaps, kept for a moment only.
    if (expires < (this.#entries.get(key)?.expires ?? 0)) return;
    this.#put(key, { value, asOf, weight, expires, refreshed: false });
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
