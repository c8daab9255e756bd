/** A small typed client of the Kubernetes REST API. */
import type { Clock } from './clock.ts';
import type { Version } from './event-head.ts';
import type { KubeObject, Logger, ObjectKey, Resource } from './types.ts';

export { createKubeClient } from './rest-client.ts';

export interface KubeClientOptions {
  /** Path of a kubeconfig; default: `KUBECONFIG`, `~/.kube/config`, then the Pod's service account. */
  kubeconfig?: string | undefined;
  /** Context of that kubeconfig; default: its current one. */
  context?: string | undefined;
  /** First word of the User-Agent, e.g. `kcp-mcp-operator/0.1.0`. */
  userAgent: string;
  /** Who this process is (the leader-election identity); shown in the User-Agent, so that the audit log tells replicas apart. */
  holder: string;
  /** Connections for everything but watches, which have one each. Default 16. */
  connections?: number;
  /** Deadline in ms of one call, retries included. Default 15,000. */
  requestTimeoutMs?: number;
  /** How often a throttled or unavailable answer (429, 503 …) is retried within the deadline. Default 5. */
  maxRetries?: number;
  clock?: Clock;
  logger?: Logger;
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /** Deadline in ms of this call; default: the client's. */
  timeoutMs?: number | undefined;
  /** Ask for `PartialObjectMetadata` only: spec, status and data never leave the API server. */
  metadataOnly?: boolean;
}

export interface ListOptions extends ReadOptions {
  /** Left out for a namespaced kind: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Objects per page; default 100. */
  limit?: number;
}

/** One page, or the whole, of a list. `resourceVersion` is where a watch continues. */
export interface ObjectList<T> {
  resourceVersion: string;
  items: T[];
  /** Objects after this page, where the server says so. */
  remaining?: number;
}

export interface WriteOptions {
  signal?: AbortSignal | undefined;
  /** Deadline in ms of this call; default: the client's. */
  timeoutMs?: number | undefined;
  /** Who owns the written fields; see KEP-555. */
  fieldManager: string;
}

export interface ApplyOptions extends WriteOptions {
  /** Take fields that other managers own. Default false: a conflict is an {@link ApiError} with reason `Conflict`. */
  force?: boolean;
  /** The write fails with `Conflict` unless the object has this uid, thus also when it doesn't exist. */
  uid?: string | undefined;
  /** The write fails with `Conflict` when an object of this name exists already. */
  mustNotExist?: boolean;
}

export interface DeleteOptions {
  signal?: AbortSignal | undefined;
  /** Deadline in ms of this call; default: the client's. */
  timeoutMs?: number | undefined;
  /** Delete only this very object (`Conflict` otherwise). */
  uid?: string | undefined;
  /** Delete only this version of it (`Conflict` otherwise). */
  resourceVersion?: string | undefined;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Only `metadata.resourceVersion` (and perhaps annotations) are set. */
  | { type: 'BOOKMARK'; object: T };

export interface WatchOptions<T> {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Where to continue; left out: the server begins with an ADDED for each object that exists. */
  resourceVersion?: string | undefined;
  metadataOnly?: boolean;
  /** After how many seconds the server ends the stream. */
  timeoutSeconds: number;
  /** Called once, when the server has accepted the watch. */
  onOpen?: () => void;
  /** Called for every chunk of bytes, before its events. */
  onActivity?: () => void;
  onEvent: (event: WatchEvent<T>) => void;
  /**
   * Whether the caller has this version of an object, or a later one: asked, where that is quick to tell, of what was added or
   * modified. What is known is told as a BOOKMARK.
   */
  isKnown?: ((version: Version) => boolean) | undefined;
  signal: AbortSignal;
}

/**
 * Every method rejects with {@link ApiError} (errors.ts) for whatever goes wrong, network errors and timeouts included.
 * Reads and writes are retried on 429 and on 5xx with `Retry-After`, as client-go does; a write whose answer got lost is not.
 */
export interface KubeClient {
  /** Namespace of the kubeconfig's context, or the Pod's. */
  readonly defaultNamespace: string | undefined;
  /** The object, or `undefined` when it (or its kind, see {@link KubeClient.serves}) does not exist. */
  get<T extends KubeObject>(resource: Resource, key: ObjectKey, options?: ReadOptions): Promise<T | undefined>;
  /** All objects of all pages, one consistent snapshot. A missing kind is an ApiError, see `isMissingKind`. */
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<ObjectList<T>>;
  /** The same page by page, for those who don't want to hold the whole answer. */
  pages<T extends KubeObject>(
    resource: Resource,
    options?: ListOptions,
  ): AsyncGenerator<ObjectList<T>, void, undefined>;
  /** POST; `AlreadyExists` when there is one. */
  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions): Promise<T>;
  /** PUT; `Conflict` when `metadata.resourceVersion` is not the current one. */
  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions): Promise<T>;
  /** Server-side apply. `object` holds exactly the fields that `fieldManager` wants to own. */
  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /** Server-side apply of the status subresource. */
  applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /**
   * JSON merge patch (RFC 7386) of the object that `patch.metadata` names; `Conflict` when a `metadata.resourceVersion` in it is
   * not the current one. For what has to be gone whoever owns it, such as a finalizer.
   */
  mergePatch<T extends KubeObject>(resource: Resource, patch: KubeObject, options: WriteOptions): Promise<T>;
  /** True when something was deleted (or is being deleted now), false when there was nothing. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /**
   * One watch request. Resolves when the server ends the stream or `signal` aborts; rejects on every error, including an
   * ERROR event in the stream. Resuming is the informer's work (watch.ts).
   */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions<T>): Promise<void>;
  /** Whether the API server serves this kind now (a CRD may be absent). */
  serves(resource: Resource, options?: { signal?: AbortSignal }): Promise<boolean>;
  /**
   * The same client for one term of work: once `signal` aborts, requests under way are cut off and none starts, nor does
   * one when `isValid` says no (a process that was stopped for a while learns of its lost lease late). Shares the
   * connections; closing it does nothing.
   */
  withSignal(signal: AbortSignal, isValid?: () => boolean): KubeClient;
  /** Ends all requests and closes all connections. */
  close(): Promise<void>;
}
