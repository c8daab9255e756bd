import {
  createInformer,
  parseKey,
  type Informer,
  type InformerHandlers,
  type InformerOptions,
  type InformerState,
  type KubeObject,
  type ObjectKey,
} from '../kube/index.ts';

/**
 * One kind in all namespaces, or in some: then one informer for each, so that RBAC in those suffices.
 */
export class KindCache<T extends KubeObject> {
  readonly plural: string;
  readonly #informers = new Map<string, Informer<T>>();

  /** @param namespaces empty: all */
  constructor(namespaces: readonly string[], options: Omit<InformerOptions<T>, 'namespace' | 'name'>) {
    this.plural = options.resource.plural;
    if (namespaces.length === 0) this.#informers.set('', createInformer(options));
    for (const namespace of namespaces) this.#informers.set(namespace, createInformer({ ...options, namespace }));
  }

  start(): void {
    for (const informer of this.#informers.values()) informer.start();
  }

  on(handlers: InformerHandlers<T>): void {
    for (const informer of this.#informers.values()) informer.on(handlers);
  }

  get(key: ObjectKey): T | undefined {
    return this.#of(key)?.store.get(key);
  }

  list(): T[] {
    return [...this.#informers.values()].flatMap((informer) => informer.store.list());
  }

  byIndex(index: string, value: string): T[] {
    return [...this.#informers.values()].flatMap((informer) => informer.store.byIndex(index, value));
  }

  /** Takes an object that was just written, so that the next reconcile needn't wait for its watch. */
  observe(object: T): void {
    this.#of(object.metadata)?.observe(object);
  }

  /** Of the informer that `key` would be in. */
  answered(key: ObjectKey | string): InformerState {
    const informer = this.#of(typeof key === 'string' ? parseKey(key) : key);
    return (
      informer?.answered() ?? { phase: 'forbidden', message: 'the operator does not watch this namespace', since: 0 }
    );
  }

  /** Asks again now for what was absent, forbidden or failing. */
  poke(): void {
    for (const informer of this.#informers.values()) informer.poke();
  }

  /** Whether the API server has answered for every namespace: with objects, or that there is no such kind. */
  isSettled(): boolean {
    return [...this.#informers.values()].every(
      (informer) => informer.hasSynced() || informer.answered().phase === 'absent',
    );
  }

  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.settled(signal)));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  #of({ namespace = '' }: ObjectKey): Informer<T> | undefined {
    return this.#informers.get('') ?? this.#informers.get(namespace);
  }
}
