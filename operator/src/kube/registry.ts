/** Single-object informers, started for the first who wants one and stopped after the last. */
import { keyOf, parseKey, silentLogger } from './types.ts';
import { Turns } from './turns.ts';
import type { KubeObject, ObjectKey } from './types.ts';
import { createInformer } from './watch.ts';
import type { Informer, InformerHandlers, InformerOptions } from './watch.ts';

/**
 * Watches that begin at a time unless `turns` says otherwise. After a start or an outage, more would take memory while they wait, and
 * beside its API server the operator would hardly be done sooner.
 */
export const WATCHES_AT_ONCE = 8;

export interface RegistryOptions<T extends KubeObject> extends Omit<
  InformerOptions<T>,
  'name' | 'namespace' | 'labelSelector' | 'fieldSelector'
> {
  /** Called for every change of a watched object but those that were observed, and of what is answered about it. */
  onChange: (key: ObjectKey) => void;
}

export interface InformerRegistry<T extends KubeObject> {
  /**
   * Holds a watch on `key` on behalf of `user`; the same user may ask again, that changes nothing. The informer may not
   * have settled yet: look at `answered()`; `onChange` tells when that changes.
   *
   * @param written the object, if `user` has just written it: a watch that begins now goes on from there
   */
  acquire(key: ObjectKey, user: string, written?: T): Informer<T>;
  /** Gives up what `user` holds on `key`; the last user's release stops the watch. */
  release(key: ObjectKey, user: string): void;
  /** Gives up all that `user` holds, but for `keep`. */
  releaseAll(user: string, keep?: readonly ObjectKey[]): void;
  /** The informer of `key` if somebody holds it. */
  peek(key: ObjectKey): Informer<T> | undefined;
  /** Who holds `key`. */
  usersOf(key: ObjectKey): string[];
  /** Who holds anything. */
  users(): string[];
  /** Retry at once all that wait to be retried. */
  poke(): void;
  /** How many objects are watched. */
  readonly size: number;
  /** Stops all watches. */
  stop(): Promise<void>;
}

/** One object that is watched, and for whom. */
class Held<T extends KubeObject> implements InformerHandlers<T> {
  readonly informer: Informer<T>;
  readonly users = new Set<string>();
  readonly #key: ObjectKey;
  readonly #onChange: (key: ObjectKey) => void;

  constructor(key: ObjectKey, options: RegistryOptions<T> & { turns: Turns }) {
    this.#key = key;
    this.#onChange = options.onChange;
    this.informer = createInformer<T>({ ...options, namespace: key.namespace, name: key.name });
    this.informer.on(this);
  }

  onAdd(_: T, own: boolean): void {
    if (!own) this.#onChange(this.#key);
  }

  onUpdate(_before: T, _after: T, own: boolean): void {
    if (!own) this.#onChange(this.#key);
  }

  onDelete(): void {
    this.#onChange(this.#key);
  }

  onAnswer(): void {
    this.#onChange(this.#key);
  }
}

export function createInformerRegistry<T extends KubeObject>(options: RegistryOptions<T>): InformerRegistry<T> {
  const held = new Map<string, Held<T>>();
  /** What each user holds. */
  const holdings = new Map<string, Set<string>>();
  const stopping = new Set<Promise<void>>();
  const turns = options.turns ?? new Turns(WATCHES_AT_ONCE, options.clock);
  const logger = options.logger ?? silentLogger;

  function begin(key: ObjectKey, written: T | undefined): Held<T> {
    const entry = new Held<T>(key, { ...options, turns });
    entry.informer.start(written);
    logger.debug('watching an object', { resource: options.resource.plural, key: keyOf(key) });
    return entry;
  }

  function drop(id: string, user: string): void {
    const entry = held.get(id);
    if (entry?.users.delete(user) !== true) return;
    const mine = holdings.get(user);
    mine?.delete(id);
    if (mine?.size === 0) holdings.delete(user);
    if (entry.users.size > 0) return;
    held.delete(id);
    end(entry.informer);
    logger.debug('stopped watching an object', { resource: options.resource.plural, key: id });
  }

  function end(informer: Informer<T>): void {
    const ended = informer.stop().finally(() => stopping.delete(ended));
    stopping.add(ended);
  }

  return {
    acquire(key, user, written) {
      const id = keyOf(key);
      let entry = held.get(id);
      if (entry === undefined) {
        entry = begin(parseKey(id), written);
        held.set(id, entry);
      }
      entry.users.add(user);
      const mine = holdings.get(user) ?? new Set();
      holdings.set(user, mine.add(id));
      return entry.informer;
    },
    release(key, user) {
      drop(keyOf(key), user);
    },
    releaseAll(user, keep = []) {
      const kept = new Set(keep.map(keyOf));
      for (const id of [...(holdings.get(user) ?? [])]) if (!kept.has(id)) drop(id, user);
    },
    peek: (key) => held.get(keyOf(key))?.informer,
    users: () => [...holdings.keys()],
    usersOf: (key) => [...(held.get(keyOf(key))?.users ?? [])],
    poke() {
      for (const { informer } of held.values()) informer.poke();
    },
    get size() {
      return held.size;
    },
    async stop() {
      // Whose turn it is sees that it's over.
      turns.hurry();
      for (const { informer } of held.values()) end(informer);
      held.clear();
      holdings.clear();
      await Promise.all(stopping);
    },
  };
}
