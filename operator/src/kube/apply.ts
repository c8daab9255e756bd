/** Server-side apply that writes only what differs and never takes another's object. */
import type { KubeClient } from './client.ts';
import type { KubeObject, Resource } from './types.ts';

export interface ApplierOptions {
  client: KubeClient;
  /** Owner of the applied fields. */
  fieldManager: string;
  /** Annotation on every applied object with the hash of what was applied, e.g. `example.com/applied-hash`. */
  hashAnnotation: string;
}

export interface EnsureOptions<T extends KubeObject> {
  /** Whether a live object is ours to change. */
  isOurs: (live: T) => boolean;
  signal?: AbortSignal | undefined;
}

export interface Ensured<T extends KubeObject> {
  action: 'created' | 'applied' | 'unchanged';
  /** The object as the API server holds it, for `unchanged` the `live` that was given. */
  object: T;
}

/** An object of the wanted name exists and isn't ours; it was left alone. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  readonly kind: string;
  readonly key: string;
  constructor(kind: string, key: string) {
    super(`${kind} ${key} exists already and is not managed by this operator`);
    this.kind = kind;
    this.key = key;
  }
}

export interface Applier {
  /**
   * Makes `desired` so with at most one write, none when nothing differs. `live` is what the caller's cache holds; its
   * metadata suffices, so a metadata-only informer will do. Stale caches are safe: uid and absence are preconditions.
   *
   * @throws ForeignObjectError when `live`, or an object that appeared meanwhile, isn't ours.
   * @throws ApiError Conflict when `live` was replaced meanwhile: reconcile again.
   */
  ensure<T extends KubeObject>(
    resource: Resource,
    desired: T,
    live: T | undefined,
    options: EnsureOptions<T>,
  ): Promise<Ensured<T>>;
  /** Applies `desired.status` (with `metadata.uid` of live as precondition) unless live's status is that already. */
  ensureStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource,
    desired: T,
    live: T,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Ensured<T>>;
}

export declare function createApplier(options: ApplierOptions): Applier;
