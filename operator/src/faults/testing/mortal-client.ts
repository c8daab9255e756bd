import { ApiError, type KubeClient, type Resource } from '../../kube/index.ts';

/** Where a process dies: before its `write`-th write (from 1) is sent, or after it was done and before the answer is seen. */
export interface Cut {
  write: number;
  when: 'before' | 'after';
}

export interface MortalClient {
  client: KubeClient;
  /** What was written, one text each; the last may not have been sent. */
  writes: string[];
  /** Resolves when it dies; from then on nothing reaches the API server. */
  died: Promise<void>;
}

/** Events may be lost with a process, and the Lease is another matter: they don't count, but they end with it, too. */
const UNCOUNTED = ['events', 'leases'];

/** A client whose process dies at a cut; without one it lives on, and counts. */
export function mortalClient(client: KubeClient, cut?: Cut): MortalClient {
  const { promise: died, resolve: die } = Promise.withResolvers<undefined>();
  const writes: string[] = [];
  let dead = false;

  const killed = (): ApiError => new ApiError({ status: 0, reason: 'Network', message: 'the process was killed' });
  const alive = async <T>(call: () => Promise<T>): Promise<T> => {
    if (dead) throw killed();
    const result = await call();
    // Read after the call: it may have died meanwhile.
    if (isDead()) throw killed();
    return result;
  };
  const isDead = (): boolean => dead;
  const end = (): never => {
    dead = true;
    die(undefined);
    throw killed();
  };
  const write = async <T>(verb: string, resource: Resource, name: string, call: () => Promise<T>): Promise<T> => {
    if (dead || UNCOUNTED.includes(resource.plural)) return alive(call);
    const here = writes.push(`${verb} ${resource.kind} ${name}`) === cut?.write ? cut.when : undefined;
    if (here === 'before') end();
    const result = await alive(call);
    if (here === 'after') end();
    return result;
  };

  const wrap = (inner: KubeClient): KubeClient => ({
    defaultNamespace: inner.defaultNamespace,
    get: (...args) => alive(() => inner.get(...args)),
    list: (...args) => alive(() => inner.list(...args)),
    async *pages(...args) {
      if (dead) throw killed();
      for await (const page of inner.pages(...args)) yield page as never;
    },
    create: (resource, object, options) =>
      write('create', resource, object.metadata.name, () => inner.create(resource, object, options)),
    update: (resource, object, options) =>
      write('update', resource, object.metadata.name, () => inner.update(resource, object, options)),
    apply: (resource, object, options) =>
      write('apply', resource, object.metadata.name, () => inner.apply(resource, object, options)),
    applyStatus: (resource, object, options) =>
      write('apply status of', resource, object.metadata.name, () => inner.applyStatus(resource, object, options)),
    mergePatch: (resource, patch, options) =>
      write('patch', resource, patch.metadata.name, () => inner.mergePatch(resource, patch, options)),
    delete: (resource, key, options) => write('delete', resource, key.name, () => inner.delete(resource, key, options)),
    watch: (...args) => alive(() => inner.watch(...args)),
    serves: (...args) => alive(() => inner.serves(...args)),
    withSignal: (signal, isValid) => wrap(inner.withSignal(signal, isValid)),
    close: () => inner.close(),
  });
  return { client: wrap(client), writes, died };
}
