import { FailurePolicy } from './failures.ts';
import { sleep, systemClock } from './clock.ts';
import { HandlerSet } from './handlers.ts';
import { isAborted, isApiError, isForbidden, isGone, isMissingKind, isUnreachable } from './errors.ts';
import { ListWatch, SHORTEST_WATCH_MS } from './list-watch.ts';
import { IndexedStore, isLater } from './store.ts';
import { defaultTimings } from './timings.ts';
import type { Change } from './store.ts';
import { keyOf, silentLogger } from './types.ts';
import type { KubeObject } from './types.ts';
import type { WatchEvent } from './client.ts';
import type { Informer, InformerHandlers, InformerOptions, InformerPhase, InformerState } from './watch.ts';

/** So often a watch is continued where it was, though the answer is an error; then all is listed again. */
const ENOUGH = 3;

function nothing(): void {
  // those who need no turn have none to end
}

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
  /** Ends the request, or the pause, of the moment. */
  #moment = new AbortController();
  #isStopping = false;
  /** Misses nothing by beginning later. */
  #isPatient = false;
  readonly #settled = Promise.withResolvers<undefined>();
  #state: InformerState;
  #answered: InformerState;
  #hasSynced = false;
  /** Where the next watch continues; undefined: begin anew. */
  #resourceVersion: string | undefined;
  #isPausing = false;
  #poked = false;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    const timings = { ...defaultTimings, ...options.timings };
    this.#options = options;
    this.#clock = clock;
    this.#logger = options.logger ?? silentLogger;
    this.#requests = new ListWatch<T>(options, clock, random, timings);
    this.#failures = new FailurePolicy(timings, random);
    this.#handlers = new HandlerSet<T>(options);
    this.resource = options.resource;
    this.store = new IndexedStore<T>(options.indexers);
    this.#state = this.#answered = this.#unanswered();
  }

  on(handlers: InformerHandlers<T>): () => void {
    return this.#handlers.add(handlers, this.store.list());
  }

  start(written?: T): void {
    if (written && !this.#running) {
      this.store.set(this.#kept(written));
      this.#resourceVersion = written.metadata.resourceVersion;
      this.#isPatient = true;
      this.#hasSynced = true;
      // Nobody is told: who wrote it knows.
      this.#state = this.#answered = { phase: 'synced', since: this.#clock.now() };
      this.#settled.resolve(undefined);
    }
    this.#running ??= this.#run();
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  state(): InformerState {
    return this.#state;
  }

  answered(): InformerState {
    return this.#answered;
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
    const known = this.#resourceVersion;
    // At `known` the store was complete: an older object that it lacks was deleted since.
    if (known === undefined || this.#isStopping || !isLater(object.metadata.resourceVersion, known)) return;
    // Spares the transform: often the watch was quicker than the answer.
    if (this.store.isNews(object)) this.#handlers.changes(this.store.set(this.#kept(object)), true);
  }

  poke(): void {
    this.#poked = true;
    if (this.#isPausing) this.#moment.abort();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    // It may have to wait for its turn first; meanwhile there may be another one of this object, with the same handlers' owner.
    this.#handlers.clear();
    this.#moment.abort();
    await this.#running;
    this.#enter('stopped');
    this.#settled.resolve(undefined);
  }

  async #run(): Promise<void> {
    const { turns } = this.#options;
    while (!this.#isStopping) {
      this.#moment = new AbortController();
      const endTurn = turns ? await turns.take({ patient: this.#isPatient }) : nothing;
      this.#isPatient = false;
      const failure = await this.#goOn(endTurn);
      if (failure && !this.#hasStopped()) {
        // Whoever finds nobody keeps its turn while it waits: the others would find nobody, too.
        if (!isUnreachable(failure.error)) endTurn();
        await this.#pause(this.#onFailure(failure.error));
      }
      endTurn();
    }
  }

  /** One list, or one watch from its start until its end. */
  async #goOn(endTurn: () => void): Promise<{ error: unknown } | undefined> {
    const { name } = this.#options;
    try {
      if (this.#isStopping) return undefined;
      if (this.#resourceVersion !== undefined) await this.#resume(this.#resourceVersion, endTurn);
      else if (name === undefined) await this.#list();
      else await this.#watchOne(name, endTurn);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  async #list(): Promise<void> {
    const transform = (item: T): T => this.#transform(item);
    const { items, resourceVersion } = await this.#requests.list(transform, this.#moment.signal);
    this.#resourceVersion = resourceVersion;
    this.#synced(this.store.replace(items));
  }

  async #resume(resourceVersion: string, endTurn: () => void): Promise<void> {
    await this.#watch(resourceVersion, () => {
      endTurn();
      // the store was complete at this version, and from here on nothing is missed
      this.#synced([]);
    });
  }

  /**
   * One object, without LIST: a new watch begins with what exists, but doesn't say when nothing does. So once the watch
   * is open a GET does; whatever happens after the GET, the open watch tells.
   */
  async #watchOne(name: string, endTurn: () => void): Promise<void> {
    const ending = this.#moment;
    let known = false as boolean;
    let reading: Promise<unknown> | undefined;
    const read = async (): Promise<unknown> => {
      try {
        const object = await this.#requests.get(name, ending.signal);
        known = true;
        // an event that came first is at least as good as "there is nothing": a DELETED would follow it
        if (object !== undefined) this.#synced(this.store.set(this.#transform(object)));
        else this.#synced(this.#resourceVersion === undefined ? this.store.replace([]) : []);
        return undefined;
      } catch (error) {
        ending.abort();
        return error;
      } finally {
        endTurn();
      }
    };
    try {
      await this.#watch(undefined, () => {
        reading = read();
      });
    } finally {
      ending.abort();
      const failure = await reading;
      if (!known) this.#resourceVersion = undefined;
      // eslint-disable-next-line no-unsafe-finally -- the reason why the watch was ended, thus of any error of its own
      if (failure !== undefined && !isAborted(failure)) throw failure as Error;
    }
  }

  /** One watch request, from its start until its end. */
  async #watch(resourceVersion: string | undefined, onOpen: () => void): Promise<void> {
    let openedAt = Infinity;
    try {
      await this.#requests.watch({
        resourceVersion,
        ending: this.#moment,
        onOpen: () => {
          openedAt = this.#clock.monotonic();
          onOpen();
        },
        onEvent: (event) => {
          this.#onEvent(event);
        },
        isKnown: (metadata) => !this.store.isNews({ metadata }),
      });
    } finally {
      if (this.#clock.monotonic() - openedAt >= SHORTEST_WATCH_MS) this.#failures.reset();
    }
  }

  #onEvent(event: WatchEvent<T>): void {
    if (event.type === 'DELETED') this.#handlers.changes(this.store.delete(keyOf(event.object.metadata)));
    else if (event.type !== 'BOOKMARK' && this.store.isNews(event.object))
      this.#handlers.changes(this.store.set(this.#transform(event.object)));
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
    } else if (isForbidden(error) && !this.#failures.isAway()) this.#enter('forbidden', message);
    // one dropped connection is nothing that anybody needs to know
    else if (this.#state.phase !== 'synced' || this.#failures.count() > 1) {
      this.#enter('retrying', message);
      const isHeld = this.#answered.phase === 'synced' || this.#failures.isAway();
      if (isBroken(error) && !isHeld) this.#answer(this.#unanswered());
    }
    return delay;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isStopping) return;
    if (!this.#poked && ms > 0) {
      this.#moment = new AbortController();
      this.#isPausing = true;
      await sleep(this.#clock, ms, this.#moment.signal);
      this.#isPausing = false;
    }
    this.#poked = false;
  }

  #unanswered(): InformerState {
    return { phase: 'starting', since: this.#clock.now() };
  }

  /** As a call: TypeScript takes it that nothing changes while one waits. */
  #hasStopped(): boolean {
    return this.#isStopping;
  }

  /** Of an object that was written, what the store keeps. */
  #kept(object: T): T {
    const { apiVersion, kind, metadata } = object;
    return this.#transform(this.#options.metadataOnly === true ? ({ apiVersion, kind, metadata } as T) : object);
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
    const isAnswer = phase === 'synced' || phase === 'absent' || phase === 'forbidden';
    if (isAnswer) this.#settled.resolve(undefined);
    if (before.phase !== phase) {
      this.#logger.debug('informer changed its phase', { resource: this.resource.plural, phase, message });
      this.#handlers.state(this.#state);
    }
    if (isAnswer) this.#answer(this.#state);
  }

  #answer(state: InformerState): void {
    const before = this.#answered;
    this.#answered = state;
    if (before.phase !== state.phase) this.#handlers.answer(state);
  }
}
