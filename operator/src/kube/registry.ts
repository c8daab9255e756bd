/** Single-object informers, started for the first who wants one and stopped after the last. */
import type { ObjectKey } from './types.ts';
import type { KubeObject } from './types.ts';
import type { Informer, InformerHandlers, InformerOptions } from './watch.ts';

export interface RegistryOptions<T extends KubeObject> extends Omit<
  InformerOptions<T>,
  'name' | 'namespace' | 'labelSelector' | 'fieldSelector'
> {
  /** Called for changes of every watched object, with its key. */
  onChange: (key: ObjectKey) => void;
  /** Further handlers, for all. */
  handlers?: InformerHandlers<T>;
}

export interface InformerRegistry<T extends KubeObject> {
  /**
   * Holds a watch on `key` on behalf of `user`; the same user may ask again, that changes nothing. The informer may not
   * have settled yet: look at `state()`; `onChange` tells when that changes.
   */
  acquire(key: ObjectKey, user: string): Informer<T>;
  /** Gives up what `user` holds on `key`; the last user's release stops the watch. */
  release(key: ObjectKey, user: string): void;
  /** Gives up all that `user` holds, but for `keep`. */
  releaseAll(user: string, keep?: readonly ObjectKey[]): void;
  /** The informer of `key` if somebody holds it. */
  peek(key: ObjectKey): Informer<T> | undefined;
  /** Retry all that are not synced. */
  poke(): void;
  readonly size: number;
  stop(): Promise<void>;
}

export declare function createInformerRegistry<T extends KubeObject>(options: RegistryOptions<T>): InformerRegistry<T>;
