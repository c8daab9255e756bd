import { createFailurePolicy } from './failures.ts';
import { sleep, systemClock } from './clock.ts';
import { createDeadline } from './deadline.ts';
import { HandlerSet } from './handlers.ts';
import { isAborted, isApiError, isForbidden, isGone, isMissingKind } from './errors.ts';
import { SHORTEST_WATCH_MS, createListWatch } from './list-watch.ts';
import type { ListWatch } from './list-watch.ts';
import { IndexedStore, isLater } from './store.ts';
import { defaultTimings } from './timings.ts';
import type { Change } from './store.ts';
import { keyOf, silentLogger } from './types.ts';
import type { KubeObject } from './types.ts';
import type { WatchEvent } from './client.ts';
import type { Informer, InformerHandlers, InformerOptions, InformerPhase, InformerState } from './watch.ts';

/** So often a watch is continued where it was, though the answer is an error; then all is listed again. */
const ENOUGH = 3;

/** An answer that may be about the very place where the watch is: an event that can't be converted, or read. */
function isBroken(error: unknown): boolean {
  return isApiError(error) && (error.status >= 500 || error.reason === 'Malformed');
}

/** See {@link Informer}. Nothing happens before `start()`. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  return new ListWatchInformer<T>(options);
}

class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly resource;
  readonly store: IndexedStore<T>;
  readonly #options: InformerOptions<T>;
  readonly #clock;
  readonly #logger;
  readonly #requests: ListWatch<T>;
  readonly #failures;
  readonly #handlers: HandlerSet<T>;
  readonly #stopping = new AbortController();
  readonly #settled = Promise.withResolvers<undefined>();
  #state: InformerState;
  #hasSynced = false;
  /** Where the next watch continues; undefined: begin anew. */
  #resourceVersion: string | undefined;
  #wake: (() => void) | undefined;
  #poked = false;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    const timings = { ...defaultTimings, ...options.timings };
    this.#options = options;
    this.#clock = clock;
    this.#logger = options.logger ?? silentLogger;
    this.#requests = createListWatch<T>({ ...options, clock, random, timings });
    this.#failures = createFailurePolicy(timings, random);
    this.#handlers = new HandlerSet<T>(options);
    this.resource = options.resource;
    this.store = new IndexedStore<T>(options.indexers ?? {});
    this.#state = { phase: 'starting', since: clock.now() };
  }

  on(handlers: InformerHandlers<T>): () => void {
    return this.#handlers.add(handlers, this.store.list());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  state(): InformerState {
    return this.#state;
  }

  async settled(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const aborted = Promise.withResolvers<undefined>();
    const abort = (): void => {
      aborted.resolve(undefined);
    };
    signal?.addEventListener('abort', abort, { once: true });
    await Promise.race([this.#settled.promise, aborted.promise]);
    signal?.removeEventListener('abort', abort);
  }

  observe(object: T): void {
    const { apiVersion, kind, metadata } = object;
    const known = this.#resourceVersion;
    // At `known` the store was complete: an older object that it lacks was deleted since.
    if (known === undefined || this.#stopping.signal.aborted || !isLater(metadata.resourceVersion, known)) return;
    const copy = structuredClone(this.#options.metadataOnly === true ? ({ apiVersion, kind, metadata } as T) : object);
    this.#handlers.changes(this.store.set(this.#transform(copy)), true);
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#enter('stopped');
    this.#settled.resolve(undefined);
    this.#handlers.clear();
  }

  async #run(): Promise<void> {
    const { name } = this.#options;
    const stopped = (): boolean => this.#stopping.signal.aborted;
    while (!stopped()) {
      try {
        if (this.#resourceVersion !== undefined) await this.#resume(this.#resourceVersion);
        else if (name === undefined) await this.#list();
        else await this.#watchOne(name);
      } catch (error) {
        if (!stopped()) await this.#pause(this.#onFailure(error));
      }
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#requests.list(
      (item) => this.#transform(item),
      this.#stopping.signal,
    );
    this.#resourceVersion = resourceVersion;
    this.#synced(this.store.replace(items));
  }

  async #resume(resourceVersion: string): Promise<void> {
    await this.#watch(resourceVersion, this.#stopping.signal, () => {
      // the store was complete at this version, and from here on nothing is missed
      this.#synced([]);
    });
  }

  /**
   * One object, without LIST: a new watch begins with what exists, but doesn't say when nothing does. So once the watch
   * is open a GET does; whatever happens after the GET, the open watch tells.
   */
  async #watchOne(name: string): Promise<void> {
    const session = createDeadline(this.#clock, Infinity, [this.#stopping.signal]);
    let known = false as boolean;
    let reading: Promise<unknown> | undefined;
    const read = async (): Promise<unknown> => {
      try {
        const object = await this.#requests.get(name, session.signal);
        known = true;
        // an event that came first is at least as good as "there is nothing": a DELETED would follow it
        if (object !== undefined) this.#synced(this.store.set(this.#transform(object)));
        else this.#synced(this.#resourceVersion === undefined ? this.store.replace([]) : []);
        return undefined;
      } catch (error) {
        session.abort();
        return error;
      }
    };
    try {
      await this.#watch(undefined, session.signal, () => {
        reading = read();
      });
    } finally {
      session.abort();
      session.dispose();
      const failure = await reading;
      if (!known) this.#resourceVersion = undefined;
      // eslint-disable-next-line no-unsafe-finally -- the reason why the watch was ended, thus of any error of its own
      if (failure !== undefined && !isAborted(failure)) throw failure as Error;
    }
  }

  /** One watch request, from its start until its end. */
  async #watch(resourceVersion: string | undefined, signal: AbortSignal, onOpen: () => void): Promise<void> {
    let openedAt = Infinity;
    try {
      await this.#requests.watch({
        resourceVersion,
        signal,
        onOpen: () => {
          openedAt = this.#clock.monotonic();
          onOpen();
        },
        onEvent: (event) => {
          this.#onEvent(event);
        },
      });
    } finally {
      if (this.#clock.monotonic() - openedAt >= SHORTEST_WATCH_MS) this.#failures.reset();
    }
  }

  #onEvent(event: WatchEvent<T>): void {
    if (event.type === 'DELETED') this.#handlers.changes(this.store.delete(keyOf(event.object.metadata)));
    else if (event.type !== 'BOOKMARK') this.#handlers.changes(this.store.set(this.#transform(event.object)));
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  /** @returns how long to wait, in ms. */
  #onFailure(error: unknown): number {
    this.#handlers.report(error);
    const message = error instanceof Error ? error.message : String(error);
    const delay = this.#failures.delay(error);
    if (isGone(error) || (isBroken(error) && this.#failures.count() >= ENOUGH)) this.#resourceVersion = undefined;
    if (isMissingKind(error)) {
      this.#resourceVersion = undefined;
      this.#handlers.changes(this.store.replace([]));
      this.#enter('absent', message);
    } else if (isForbidden(error)) this.#enter('forbidden', message);
    // one dropped connection is nothing that anybody needs to know
    else if (this.#state.phase !== 'synced' || this.#failures.count() > 1) this.#enter('retrying', message);
    return delay;
  }

  async #pause(ms: number): Promise<void> {
    const waiting = createDeadline(this.#clock, Infinity, [this.#stopping.signal]);
    if (!this.#poked && ms > 0) {
      this.#wake = waiting.abort;
      await sleep(this.#clock, ms, waiting.signal);
      this.#wake = undefined;
    }
    this.#poked = false;
    waiting.dispose();
  }

  #transform(object: T): T {
    return this.#options.transform?.(object) ?? object;
  }

  #synced(changes: readonly Change<T>[]): void {
    this.#hasSynced = true;
    this.#handlers.changes(changes);
    this.#enter('synced');
  }

  #enter(phase: InformerPhase, message?: string): void {
    const before = this.#state;
    if (before.phase === 'stopped' || (before.phase === phase && before.message === message)) return;
    const since = before.phase === phase ? before.since : this.#clock.now();
    this.#state = { phase, since, ...(message === undefined ? {} : { message }) };
    if (phase === 'synced' || phase === 'absent' || phase === 'forbidden') this.#settled.resolve(undefined);
    if (before.phase === phase) return;
    this.#logger.debug('informer changed its phase', { resource: this.resource.plural, phase, message });
    this.#handlers.state(this.#state);
  }
}
