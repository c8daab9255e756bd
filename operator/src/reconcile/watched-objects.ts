import {
  createInformerRegistry,
  keyOf,
  type InformerState,
  type KubeObject,
  type ObjectKey,
  type RegistryOptions,
  type Resource,
} from '../kube/index.ts';

/** What is known about one object that a KcpMcpServer refers to. */
export type Watched<T> =
  /** The API server hasn't answered yet; the user is woken when it does. */
  | { state: 'pending' }
  | { state: 'absent' }
  | { state: 'forbidden'; message: string }
  | { state: 'present'; object: T };

/** A place to look things up in. */
export interface LookUp<K, R> {
  /** What is known about `key` now; from here on `user` is woken when it changes. */
  look(key: K, user: string): R;
}

/** A place to look single objects up in. */
export interface Watchable<T> extends LookUp<ObjectKey, Watched<T>> {
  readonly resource?: Resource;
}

/** What one reconcile of `user` looks at. */
export class Looks {
  readonly #held = new Map<object, unknown[]>();
  readonly #user: string;

  constructor(user: string) {
    this.#user = user;
  }

  look<K, R>(where: LookUp<K, R>, key: K): R {
    this.#held.set(where, [...this.heldIn(where), key]);
    return where.look(key, this.#user);
  }

  /** As {@link look}, of an object that was just written. */
  follow<T extends KubeObject>(where: WatchedObjects<T>, object: T): void {
    where.follow(object, this.#user);
    this.look(where, object.metadata);
  }

  /** The keys that were looked at in this place. */
  heldIn<K>(where: LookUp<K, unknown>): K[] {
    return (this.#held.get(where) ?? []) as K[];
  }

  /** Kinds and names of what was looked at, and is not known yet. */
  pending(): string[] {
    return [...this.#held].flatMap(([where, keys]) => {
      const { resource } = where as Watchable<unknown>;
      if (!resource) return [];
      const pending = (keys as ObjectKey[]).filter(
        (key) => (where as Watchable<unknown>).look(key, this.#user).state === 'pending',
      );
      return [...new Set(pending.map((key) => `${resource.kind} ${keyOf(key)}`))];
    });
  }
}

/**
 * Objects of one kind that are watched one by one, each for as long as a KcpMcpServer refers to it. A change wakes those
 * that do.
 */
export class WatchedObjects<T extends KubeObject> implements Watchable<T> {
  readonly resource: Resource;
  readonly #registry;

  /** @param wake called with the key of each KcpMcpServer that refers to an object that changed */
  constructor(options: Omit<RegistryOptions<T>, 'onChange'>, wake: (user: string) => void) {
    this.resource = options.resource;
    this.#registry = createInformerRegistry<T>({
      ...options,
      onChange: (key) => {
        for (const user of this.#registry.usersOf(key)) wake(user);
      },
    });
  }

  look(key: ObjectKey, user: string): Watched<T> {
    const informer = this.#registry.acquire(key, user);
    return known(informer.answered(), informer.store.get(key));
  }

  /** `user` refers to nothing but `keep` any more. */
  release(user: string, keep: readonly ObjectKey[] = []): void {
    this.#registry.releaseAll(user, keep);
  }

  /** Nobody refers to anything any more. */
  releaseAll(): void {
    for (const user of this.#registry.users()) this.release(user);
  }

  /** Whether anybody looks at it. */
  isWatched(key: ObjectKey): boolean {
    return this.#registry.peek(key) !== undefined;
  }

  /** Takes an object that `user` has just written: the next look needn't wait for its watch, and from here on `user` is woken. */
  follow(object: T, user: string): void {
    const informer = this.#registry.peek(object.metadata);
    if (informer) informer.observe(object);
    else this.#registry.acquire(object.metadata, user, object);
  }

  get size(): number {
    return this.#registry.size;
  }

  async stop(): Promise<void> {
    await this.#registry.stop();
  }
}

/** @param answered see Informer */
export function known<T>({ phase, message = '' }: InformerState, object: T | undefined): Watched<T> {
  if (phase === 'forbidden') return { state: 'forbidden', message };
  if (phase === 'absent') return { state: 'absent' };
  if (phase === 'starting') return { state: 'pending' };
  return object === undefined ? { state: 'absent' } : { state: 'present', object };
}
