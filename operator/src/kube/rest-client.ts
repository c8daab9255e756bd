/** The {@link KubeClient} over undici. */
import type {
  ApplyOptions,
  DeleteOptions,
  KubeClient,
  KubeClientOptions,
  ListOptions,
  ObjectList,
  ReadOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { systemClock } from './clock.ts';
import { findCredentials } from './credentials.ts';
import { ApiError, errorFromStatus, isApiError, isMissingKind, isNotFound } from './errors.ts';
import type { Asked, Status } from './errors.ts';
import { versionOf } from './event-head.ts';
import { LineReader } from './lines.ts';
import { askedOf, createRest, toApiError } from './rest.ts';
import type { Rest, RestCall, Scope } from './rest.ts';
import { createTransport } from './transport.ts';
import { apiVersionOf, resourcePath, silentLogger } from './types.ts';
import type { KubeObject, ObjectKey, Resource } from './types.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';
const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** No object was ever written at etcd's first revision, so an existing object never has this version; see docs/adr/0006. */
const VERSION_OF_NOTHING = '1';
/** Of a list. An operator lists a dozen kinds at once, and larger pages are memory that takes long to be given back. */
const PAGE = 100;

/**
 * A client with the current credentials.
 *
 * @throws CredentialsError when there are none, or they can't be read. The API server is not contacted.
 */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const clock = options.clock ?? systemClock;
  const source = await findCredentials({ kubeconfig: options.kubeconfig, context: options.context });
  const initial = await source.read();
  const transport = createTransport({
    source,
    initial,
    connections: options.connections ?? 16,
    userAgent: `${options.userAgent} (${options.holder})`.replace(/[^\x20-\x7e]/g, '?'),
    clock,
    logger: options.logger ?? silentLogger,
  });
  const rest = createRest({
    transport,
    clock,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    maxRetries: options.maxRetries ?? 5,
  });
  return new RestClient(rest, initial.namespace, []);
}

class RestClient implements KubeClient {
  readonly defaultNamespace: string | undefined;
  readonly #rest: Rest;
  readonly #scopes: readonly Scope[];

  constructor(rest: Rest, defaultNamespace: string | undefined, scopes: readonly Scope[]) {
    this.#rest = rest;
    this.defaultNamespace = defaultNamespace;
    this.#scopes = scopes;
  }

  async get<T extends KubeObject>(
    resource: Resource,
    key: ObjectKey,
    options: ReadOptions = {},
  ): Promise<T | undefined> {
    try {
      const object = await this.#call({
        method: 'GET',
        path: resourcePath(resource, key),
        accept: options.metadataOnly === true ? PARTIAL : 'application/json',
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      });
      return withKind<T>(resource, object as T);
    } catch (error) {
      if (isNotFound(error) || isMissingKind(error)) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<ObjectList<T>> {
    const items: T[] = [];
    let resourceVersion = '';
    for await (const page of this.pages<T>(resource, options)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  async *pages<T extends KubeObject>(
    resource: Resource,
    options: ListOptions = {},
  ): AsyncGenerator<ObjectList<T>, void, undefined> {
    let token: string | undefined;
    do {
      const page = (await this.#call({
        method: 'GET',
        path: resourcePath(resource, { namespace: options.namespace }),
        query: { ...selectors(options), limit: String(options.limit ?? PAGE), continue: token },
        accept: options.metadataOnly === true ? PARTIAL_LIST : 'application/json',
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      })) as {
        metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
        items: T[] | null;
      };
      yield {
        resourceVersion: page.metadata.resourceVersion,
        items: (page.items ?? []).map((item) => withKind(resource, item)),
        ...(page.metadata.remainingItemCount === undefined ? {} : { remaining: page.metadata.remainingItemCount }),
      };
      token = page.metadata.continue;
    } while (token !== undefined && token !== '');
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions): Promise<T> {
    const path = resourcePath(resource, { namespace: object.metadata.namespace });
    return this.#write({ method: 'POST', path, body: object }, options);
  }

  async update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions): Promise<T> {
    return this.#write({ method: 'PUT', path: resourcePath(resource, object.metadata), body: object }, options);
  }

  async apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#apply(resourcePath(resource, object.metadata), object, options);
  }

  async applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#apply(resourcePath(resource, { ...object.metadata, subresource: 'status' }), object, options);
  }

  async #apply<T extends KubeObject>(path: string, object: T, options: ApplyOptions): Promise<T> {
    const preconditions = {
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.mustNotExist === true ? { resourceVersion: VERSION_OF_NOTHING } : {}),
    };
    const body = { ...object, metadata: { ...object.metadata, ...preconditions } };
    const query = { force: options.force === true ? 'true' : undefined };
    try {
      return await this.#write({ method: 'PATCH', path, body, contentType: APPLY, query }, options);
    } catch (error) {
      // how the API server words it that the object has another uid
      if (!isApiError(error) || error.reason !== 'Invalid' || !error.fields.includes('metadata.uid')) throw error;
      throw new ApiError({ status: 409, reason: 'Conflict', message: error.message, cause: error });
    }
  }

  async mergePatch<T extends KubeObject>(resource: Resource, patch: KubeObject, options: WriteOptions): Promise<T> {
    const path = resourcePath(resource, patch.metadata);
    return this.#write({ method: 'PATCH', path, body: patch, contentType: MERGE_PATCH }, options);
  }

  async #write<T>(call: RestCall, options: WriteOptions): Promise<T> {
    const query = { ...call.query, fieldManager: options.fieldManager };
    return (await this.#call({ ...call, query, signal: options.signal, timeoutMs: options.timeoutMs })) as T;
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagationPolicy } = options;
    try {
      await this.#call({
        method: 'DELETE',
        path: resourcePath(resource, key),
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy, preconditions: { uid, resourceVersion } },
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      });
      return true;
    } catch (error) {
      if (isNotFound(error) || isMissingKind(error)) return false;
      throw error;
    }
  }

  async watch<T extends KubeObject>(resource: Resource, options: WatchOptions<T>): Promise<void> {
    const path = resourcePath(resource, { namespace: options.namespace });
    const asked = (): Asked => ({ ...askedOf({ method: 'GET', path }), method: 'WATCH' });
    const lines = new LineReader();
    try {
      const { read } = await this.#rest.open(watchCall(path, options), this.#scopes);
      options.onOpen?.();
      await read((chunk) => {
        options.onActivity?.();
        for (const line of lines.take(chunk)) {
          const event = knownOf<T>(line, options) ?? (JSON.parse(line) as WatchEvent<T> | ErrorEvent);
          if (event.type === 'ERROR') throw errorFromStatus(asked(), event.object);
          options.onEvent({ type: event.type, object: withKind(resource, event.object) });
        }
      });
    } catch (error) {
      if (this.#ended(options.signal)) return;
      if (isApiError(error)) throw error;
      if (error instanceof SyntaxError) throw malformed(path);
      throw toApiError(error, asked(), options.signal, false, 0);
    }
  }

  async serves(resource: Resource, options: { signal?: AbortSignal } = {}): Promise<boolean> {
    const path = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
    try {
      const list = (await this.#call({ method: 'GET', path, signal: options.signal })) as {
        resources?: { name: string }[];
      };
      return list.resources?.some(({ name }) => name === resource.plural) ?? false;
    } catch (error) {
      if (isApiError(error) && error.status === 404) return false;
      throw error;
    }
  }

  withSignal(signal: AbortSignal, isValid?: () => boolean): KubeClient {
    const scoped = new RestClient(this.#rest, this.defaultNamespace, [...this.#scopes, { signal, isValid }]);
    scoped.close = () => Promise.resolve();
    return scoped;
  }

  close(): Promise<void> {
    return this.#rest.close();
  }

  #call(call: RestCall): Promise<unknown> {
    return this.#rest.call(call, this.#scopes);
  }

  #ended(signal: AbortSignal): boolean {
    return signal.aborted || this.#scopes.some((scope) => scope.signal.aborted);
  }
}

interface ErrorEvent {
  type: 'ERROR';
  object: Status;
}

/** Most of what is written here comes back by a watch, and needn't be parsed where the answer was quicker. */
function knownOf<T>(line: string, { isKnown }: WatchOptions<T>): WatchEvent<T> | undefined {
  const version = isKnown && versionOf(line);
  if (!version || !isKnown(version)) return undefined;
  // Copied: part of a text may hold all of it, and that may be of a Secret.
  const resourceVersion = Buffer.from(version.resourceVersion).toString();
  return { type: 'BOOKMARK', object: { metadata: { resourceVersion } } as T };
}

function watchCall<T>(path: string, options: WatchOptions<T>): RestCall & { signal: AbortSignal } {
  return {
    method: 'GET',
    path,
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.ceil(options.timeoutSeconds)),
      resourceVersion: options.resourceVersion,
      ...selectors(options),
    },
    accept: options.metadataOnly === true ? PARTIAL : 'application/json',
    signal: options.signal,
  };
}

function selectors(options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): Record<string, string | undefined> {
  return { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
}

/** Items of lists have no kind, and metadata-only ones have another: give them the one that was asked for. */
function withKind<T extends KubeObject>(resource: Resource, object: T): T {
  object.apiVersion = apiVersionOf(resource);
  object.kind = resource.kind;
  return object;
}

function malformed(path: string): ApiError {
  return new ApiError({ status: 0, reason: 'Malformed', message: `WATCH ${path}: an event is not JSON` });
}
