import { keyOf } from './types.ts';
import type { KubeObject, ObjectKey } from './types.ts';

/** Read-only view of a local copy of objects. They are shared: never change them. */
export interface Store<T> {
  readonly size: number;
  get(key: ObjectKey | string): T | undefined;
  list(): T[];
  /** Objects for which the indexer `index` gave `value`. */
  byIndex(index: string, value: string): T[];
}

export type Indexers<T> = Record<string, (object: T) => string[]>;

/** Of stores of one object, of which there are many. */
const noIndexes: ReadonlyMap<string, never> = new Map<string, never>();

/** A change of the store; `previous` and `object` together are an update. */
export interface Change<T> {
  previous?: T | undefined;
  object?: T | undefined;
}

/** A {@link Store} that its informer writes to. */
export class IndexedStore<T extends KubeObject> implements Store<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  /** index → value → keys */
  readonly #indexes: ReadonlyMap<string, Map<string, Set<string>>>;

  constructor(indexers?: Indexers<T>) {
    this.#indexers = indexers ?? {};
    this.#indexes = indexers ? new Map(Object.keys(indexers).map((index) => [index, new Map()] as const)) : noIndexes;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey | string): T | undefined {
    return this.#objects.get(typeof key === 'string' ? key : keyOf(key));
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): T[] {
    const values = this.#indexes.get(index);
    if (values === undefined) throw new TypeError(`no such index: ${index}`);
    const found: T[] = [];
    for (const key of values.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Whether what is stored of an object, if anything, is an older version of it, or another object of its name. */
  isNews({ metadata }: Pick<T, 'metadata'>): boolean {
    const stored = this.#objects.get(keyOf(metadata))?.metadata;
    if (stored === undefined || stored.uid !== metadata.uid) return true;
    return isLater(metadata.resourceVersion, stored.resourceVersion);
  }

  /**
   * Adds or replaces an object, unless that {@link isNews is no news}.
   *
   * @returns what changed: two changes where an object was replaced by another of the same name.
   */
  set(object: T): Change<T>[] {
    if (!this.isNews(object)) return [];
    const key = keyOf(object.metadata);
    const previous = this.#objects.get(key);
    const same = previous?.metadata.uid === object.metadata.uid;
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    return previous === undefined || same ? [{ previous, object }] : [{ previous }, { object }];
  }

  delete(key: string): Change<T>[] {
    const previous = this.#objects.get(key);
    if (previous === undefined) return [];
    this.#objects.delete(key);
    this.#unindex(key, previous);
    return [{ previous }];
  }

  /** Makes the store hold exactly `objects`. */
  replace(objects: readonly T[]): Change<T>[] {
    const kept = new Set(objects.map((object) => keyOf(object.metadata)));
    const gone = [...this.#objects.keys()].filter((key) => !kept.has(key));
    return [...gone.flatMap((key) => this.delete(key)), ...objects.flatMap((object) => this.set(object))];
  }

  #index(key: string, object: T): void {
    for (const [index, valuesOf] of Object.entries(this.#indexers)) {
      const values = this.#indexes.get(index);
      for (const value of valuesOf(object)) {
        const keys = values?.get(value);
        if (keys === undefined) values?.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }

  #unindex(key: string, object: T): void {
    for (const [index, valuesOf] of Object.entries(this.#indexers)) {
      const values = this.#indexes.get(index);
      for (const value of valuesOf(object)) {
        const keys = values?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) values?.delete(value);
      }
    }
  }
}

/**
 * Whether resource version `a` is later than `b`. Those of one kind are comparable decimal numbers (KEP-5504); where they
 * are not, whatever differs counts as later.
 */
export function isLater(a = '', b = ''): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
}
