/**
 * Server-side apply that writes only what differs and never takes another's object. How it knows without writing, and
 * why a create is an apply, too: docs/adr/0006-server-side-apply.md.
 */
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import { createBrake, type Contest } from './contest.ts';
import { digest, hashOf, withHash, withoutNothing } from './content.ts';
import { isConflict } from './errors.ts';
import { holdsExactly, ownable, ownsExactly } from './fields.ts';
import type { Fields } from './fields.ts';
import { takersOf } from './takers.ts';
import { keyOf } from './types.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectKey, Resource } from './types.ts';

export { withHash } from './content.ts';

export interface ApplierOptions {
  client: KubeClient;
  /** Owner of the applied fields. */
  fieldManager: string;
  /**
   * Annotation on every applied object with the hash of what was applied, e.g. `example.com/applied-hash`. It is made of
   * everything in the object, the data of a Secret too: apply no low-entropy secrets.
   */
  hashAnnotation: string;
  /** For the pace of repairs. */
  clock?: Clock;
}

/** A local copy that wants to know of writes before its watch tells: an informer. */
export interface Observer<T extends KubeObject> {
  observe(object: T): void;
}

export interface EnsureOptions<T extends KubeObject> {
  /** Whether a live object is ours to change. */
  isOurs: (live: T) => boolean;
  /** Where `live` is from. Told of what was written, so that the next reconcile doesn't write the same once more. */
  informer?: Observer<T> | undefined;
  signal?: AbortSignal | undefined;
}

export interface Ensured<T extends KubeObject> {
  action: 'created' | 'applied' | 'unchanged';
  /** The object as the API server holds it, for `unchanged` the `live` that was given. */
  object: T;
  /** Somebody has been changing it again and again, though it is as wanted now. */
  contest?: Contest;
}

/** The object isn't as wanted, and was left so for now: somebody changes it again and again, see {@link Contest}. */
export class ContestedError extends Error {
  override readonly name = 'ContestedError';
  readonly contest: Contest;
  constructor(kind: string, key: string, contest: Contest) {
    super(`${kind} ${key} is changed by somebody else again and again`);
    this.contest = contest;
  }
}

/** An object of the wanted name exists and isn't ours; it was left alone. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  readonly kind: string;
  /** namespace/name */
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
   * metadata (with our managedFields) suffices, so a metadata-only informer will do. Stale caches are safe: uid and
   * absence are preconditions. An object that is being deleted is left to go: `unchanged`. What others change is put right at
   * once, but for those who don't stop.
   *
   * @throws ContestedError when it isn't time yet to put it right again.
   * @throws ForeignObjectError when `live`, or an object that appeared meanwhile, isn't ours.
   * @throws ApiError Conflict when `live` was replaced meanwhile: reconcile again.
   */
  ensure<T extends KubeObject>(
    resource: Resource,
    desired: T,
    live: T | undefined,
    options: EnsureOptions<T>,
  ): Promise<Ensured<T>>;
  /**
   * Applies `desired.status`, unless it is `live`'s status already. Where `live` was replaced by another object of its name
   * meanwhile, that one gets the status, until its own reconcile: the API server ignores metadata here.
   *
   * @throws ContestedError as above.
   * @throws ApiError NotFound when there is no such object any more.
   */
  ensureStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource,
    desired: T,
    live: T,
    options?: Pick<EnsureOptions<T>, 'informer' | 'signal'>,
  ): Promise<Ensured<T>>;
  /** The caller deleted this object, since it is not wanted any more: that is no contest. */
  forget(resource: Resource, key: ObjectKey): void;
}

/** How many objects with peculiar ownership are remembered. */
const MAX_PECULIAR = 10_000;

export function createApplier(options: ApplierOptions): Applier {
  const { client, fieldManager, hashAnnotation } = options;
  const brake = createBrake(options.clock);
  /**
   * uid → what was applied and the ownership that the API server made of it, where that isn't what we expect (a mutating
   * webhook, a field that is dropped). Applying the same again would yield the same.
   */
  const peculiar = new Map<string, string>();

  function isCurrent(wanted: KubeObject, live: KubeObject): boolean {
    if (isApplied(wanted, live, options)) return true;
    const uid = live.metadata.uid ?? '';
    const owned = ownedBy(fieldManager, live)?.fieldsV1;
    return owned !== undefined && peculiar.get(uid) === peculiarity(wanted, live);
  }

  function peculiarity(wanted: KubeObject, live: KubeObject): string {
    const owned = ownedBy(fieldManager, live)?.fieldsV1;
    return [wanted, live].map((object) => object.metadata.annotations?.[hashAnnotation]).join() + hashOf(owned ?? {});
  }

  function remember(wanted: KubeObject, written: KubeObject): void {
    const uid = written.metadata.uid ?? '';
    peculiar.delete(uid);
    if (!isApplied(wanted, written, options)) peculiar.set(uid, peculiarity(wanted, written));
    const oldest = peculiar.keys().next();
    if (peculiar.size > MAX_PECULIAR && oldest.done !== true) peculiar.delete(oldest.value);
  }

  const contentOf = (wanted: KubeObject): string => wanted.metadata.annotations?.[hashAnnotation] ?? '';

  /** @param live what is there in place of `wanted` */
  function waitForTurn(resource: Resource, wanted: KubeObject, live: KubeObject | undefined): void {
    const contest = brake.hold(idOf(resource, wanted.metadata), contentOf(wanted), () => {
      if (!live) return { takers: [], deleted: true };
      const takers = takersOf(wanted, live, ownedBy(fieldManager, live)?.fieldsV1);
      // Nobody has it but us: then it is another one of our name.
      return { takers: takers.length > 0 ? takers : [{ manager: fieldManager, fields: [] }], deleted: false };
    });
    if (contest) throw new ContestedError(resource.kind, keyOf(wanted.metadata), contest);
  }

  async function apply<T extends KubeObject>(
    resource: Resource,
    wanted: T,
    precondition: { uid: string | undefined } | { mustNotExist: true },
    { informer, signal }: EnsureOptions<T>,
  ): Promise<T> {
    const object = await client.apply(resource, wanted, { fieldManager, force: true, signal, ...precondition });
    remember(wanted, object);
    brake.wrote(idOf(resource, wanted.metadata), contentOf(wanted));
    informer?.observe(object);
    return object;
  }

  async function change<T extends KubeObject>(
    resource: Resource,
    wanted: T,
    live: T,
    given: EnsureOptions<T>,
  ): Promise<Ensured<T>> {
    if (!given.isOurs(live)) throw new ForeignObjectError(resource.kind, keyOf(live.metadata));
    if (live.metadata.deletionTimestamp !== undefined) return { action: 'unchanged', object: live };
    const id = idOf(resource, wanted.metadata);
    if (isCurrent(wanted, live)) return withContest({ action: 'unchanged', object: live }, brake.contest(id));
    waitForTurn(resource, wanted, live);
    const object = await apply(resource, wanted, { uid: live.metadata.uid }, given);
    return withContest({ action: 'applied', object }, brake.contest(id));
  }

  return {
    async ensure(resource, desired, live, given) {
      const wanted = withHash(desired, hashAnnotation);
      if (live !== undefined) return change(resource, wanted, live, given);
      waitForTurn(resource, wanted, undefined);
      try {
        const object = await apply(resource, wanted, { mustNotExist: true }, given);
        return withContest({ action: 'created', object }, brake.contest(idOf(resource, wanted.metadata)));
      } catch (error) {
        if (!isConflict(error)) throw error;
        const current = await client.get<typeof desired>(resource, desired.metadata, { signal: given.signal });
        if (current === undefined) throw error;
        return change(resource, wanted, current, given);
      }
    },

    async ensureStatus(resource, desired, live, { informer, signal } = {}) {
      const { apiVersion, kind, metadata, status } = withoutNothing(desired);
      const owned = ownedBy(fieldManager, live, 'status')?.fieldsV1;
      const current = (live as { status?: unknown }).status;
      const id = `${live.metadata.uid ?? ''}/status`;
      if (owned !== undefined && holdsExactly({ status }, { status: current }, owned)) {
        return { action: 'unchanged', object: live };
      }
      const { namespace, name } = metadata;
      const wanted = { apiVersion, kind, metadata: { namespace, name }, status } as typeof desired;
      const content = digest(status);
      const contest = brake.hold(id, content, () => ({ takers: takersOf(wanted, live, owned), deleted: false }));
      if (contest) throw new ContestedError(kind, keyOf(metadata), contest);
      const object = await client.applyStatus(resource, wanted, {
        fieldManager,
        force: true,
        signal,
      });
      brake.wrote(id, content);
      informer?.observe(object);
      return { action: 'applied', object };
    },

    forget(resource, key) {
      brake.forget(idOf(resource, key));
    },
  };
}

const idOf = ({ plural, group }: Resource, key: ObjectKey): string => `${plural}.${group}/${keyOf(key)}`;

const withContest = <T extends KubeObject>(ensured: Ensured<T>, contest: Contest | undefined): Ensured<T> =>
  contest ? { ...ensured, contest } : ensured;

/**
 * Whether `live` is what `wanted` (with its hash) made of it: the same was applied last, and since then nobody took, changed
 * or removed a field of it. Values needn't be compared, so defaults and the normal forms of quantities don't matter.
 */
export function isApplied(
  wanted: KubeObject,
  live: KubeObject,
  { fieldManager, hashAnnotation }: Pick<ApplierOptions, 'fieldManager' | 'hashAnnotation'>,
): boolean {
  const hash = wanted.metadata.annotations?.[hashAnnotation];
  if (hash === undefined || hash !== live.metadata.annotations?.[hashAnnotation]) return false;
  const owned = ownedBy(fieldManager, live)?.fieldsV1;
  return owned !== undefined && ownsExactly(ownable(wanted), owned);
}

/** Our entry in managedFields, for informers that want to keep no more of them: see {@link InformerOptions.transform}. */
export function ownedBy(
  fieldManager: string,
  object: KubeObject,
  subresource?: string,
): (ManagedFieldsEntry & { fieldsV1?: Fields }) | undefined {
  return object.metadata.managedFields?.find(
    (entry) => entry.manager === fieldManager && entry.operation === 'Apply' && entry.subresource === subresource,
  );
}
