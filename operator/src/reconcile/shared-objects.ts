import {
  createInformer,
  keyOf,
  type Informer,
  type InformerOptions,
  type InformerState,
  type KubeObject,
  type ObjectKey,
} from '../kube/index.ts';
import { known, type Watchable, type Watched } from './watched-objects.ts';

/**
 * All objects of one kind in one watch, for kinds of which there are few: a change of an object wakes those who have looked
 * at it, and a change of what is known about the kind (its CRD comes or goes) all who have looked at anything.
 */
export class SharedObjects<T extends KubeObject> implements Watchable<T> {
  readonly #informer: Informer<T>;
  /** Who has looked at an object, by its key; also one that isn't there. */
  readonly #users = new Map<string, Set<string>>();
  /** The same the other way round: what each user has looked at. */
  readonly #seen = new Map<string, Set<string>>();

  /** @param wake called with each user whom a change concerns */
  constructor(options: InformerOptions<T>, wake: (user: string) => void) {
    this.#informer = createInformer(options);
    const changed = ({ metadata }: T): void => {
      for (const user of this.#users.get(keyOf(metadata)) ?? []) wake(user);
    };
    this.#informer.on({
      onAdd: changed,
      onUpdate: (_, object) => {
        changed(object);
      },
      onDelete: changed,
      onAnswer: () => {
        for (const user of this.#seen.keys()) wake(user);
      },
    });
  }

  /** `absent` also where the cluster doesn't serve the kind: {@link answered} tells. */
  look(key: ObjectKey, user: string): Watched<T> {
    const id = keyOf(key);
    this.#users.set(id, (this.#users.get(id) ?? new Set()).add(user));
    this.#seen.set(user, (this.#seen.get(user) ?? new Set()).add(id));
    const informer = this.#informer;
    return known(informer.answered(), informer.store.get(key));
  }

  /** `user` refers to nothing but `keep` any more. */
  release(user: string, keep: readonly ObjectKey[] = []): void {
    const kept = new Set(keep.map(keyOf));
    const seen = this.#seen.get(user);
    for (const id of seen ?? []) {
      if (kept.has(id)) continue;
      const users = this.#users.get(id);
      users?.delete(user);
      if (users?.size === 0) this.#users.delete(id);
      seen?.delete(id);
    }
    if (seen?.size === 0) this.#seen.delete(user);
  }

  /** Nobody refers to anything any more. */
  releaseAll(): void {
    this.#users.clear();
    this.#seen.clear();
  }

  state(): InformerState {
    return this.#informer.state();
  }

  answered(): InformerState {
    return this.#informer.answered();
  }

  get resource(): Informer<T>['resource'] {
    return this.#informer.resource;
  }

  start(): void {
    this.#informer.start();
  }

  /** Asks again now for what was absent, forbidden or failing. */
  poke(): void {
    this.#informer.poke();
  }

  settled(signal?: AbortSignal): Promise<void> {
    return this.#informer.settled(signal);
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
  }
}
