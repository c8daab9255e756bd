/** Informers: a local copy of some objects that is kept up to date. */
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import type { Store } from './store.ts';
import type { InformerTimings } from './timings.ts';
import type { Turns } from './turns.ts';
import type { KubeObject, Logger, Resource } from './types.ts';

export { createInformer } from './informer.ts';
export type { Store } from './store.ts';
export type { InformerTimings } from './timings.ts';

/**
 * - `starting`: nothing was answered yet
 * - `synced`: the store holds what the API server holds, up to the watch's latency
 * - `retrying`: no contact at present; the store is what was known last
 * - `absent`: the API server doesn't know the kind (CRD not installed); the store is empty
 * - `forbidden`: RBAC refuses; `message` is the API server's. The store is what was known last
 * - `stopped`
 */
export type InformerPhase = 'starting' | 'synced' | 'retrying' | 'absent' | 'forbidden' | 'stopped';

export interface InformerState {
  phase: InformerPhase;
  /** Why, in all phases but `starting`, `synced` and `stopped`. */
  message?: string;
  /** Since when (ms since the epoch) the phase holds. */
  since: number;
}

/**
 * What happened; a handler that throws is reported to `onError` and disturbs nobody. `own`: it was told by
 * {@link Informer.observe}, so that whoever wrote it knows.
 */
export interface InformerHandlers<T> {
  onAdd?(object: T, own: boolean): void;
  onUpdate?(previous: T, object: T, own: boolean): void;
  onDelete?(object: T): void;
  /** After each change of phase; thus also when a missing CRD appears or RBAC is granted. */
  onState?(state: InformerState): void;
  /** After each change of phase of {@link Informer.answered}. */
  onAnswer?(state: InformerState): void;
}

export interface InformerOptions<T extends KubeObject> {
  client: KubeClient;
  resource: Resource;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** One object only: GET and WATCH on its name and never LIST, so that RBAC with `resourceNames`, `get`, `watch` suffices. */
  name?: string | undefined;
  /** Fetch `PartialObjectMetadata` only. */
  metadataOnly?: boolean;
  /** Applied before storing; drop here what nobody reads. Must keep `metadata.{namespace,name,uid,resourceVersion}`. */
  transform?: (object: T) => T;
  indexers?: Record<string, (object: T) => string[]>;
  /** Whose turn it is to begin a watch, where informers are many. One that goes on from what was just written is patient. */
  turns?: Turns;
  clock?: Clock;
  random?: () => number;
  logger?: Logger;
  /** Every error: of requests (all are retried) and of handlers. */
  onError?: (error: unknown) => void;
  timings?: Partial<InformerTimings>;
}

export interface Informer<T extends KubeObject> {
  readonly resource: Resource;
  readonly store: Store<T>;
  /** Adds handlers; those for objects that are known already are called at once. Returns how to remove them. */
  on(handlers: InformerHandlers<T>): () => void;
  /**
   * Begins; a second call does nothing.
   *
   * @param written one object (`name`) that the caller has just written: the watch goes on from there, with no GET
   */
  start(written?: T): void;
  /** True once the store was complete for the first time. */
  hasSynced(): boolean;
  state(): InformerState;
  /**
   * The state as it was answered last, however long there has been no contact: never `retrying`. `starting` before the first
   * answer, and when what was absent or forbidden can't be read for a fault of the server.
   */
  answered(): InformerState;
  /** Resolves with the first answer: synced, absent or forbidden. */
  settled(signal?: AbortSignal): Promise<void>;
  /**
   * Takes an object that the caller has just written, so that the store needn't wait for the watch. Ignored where the
   * watch has told of that version, or of its deletion, already.
   */
  observe(object: T): void;
  /** Retry now instead of later: something happened that may have cured the error (a CRD appeared, RBAC changed). */
  poke(): void;
  /** Resolves when no request, timer or socket of it is left. */
  stop(): Promise<void>;
}
