/** The two requests of an informer, each with what makes it fail visibly: silence, or an end that comes too soon. */
import type { KubeClient, ObjectList, WatchEvent } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiError } from './errors.ts';
import type { Version } from './event-head.ts';
import { SilenceGuard } from './silence.ts';
import type { KubeObject, Resource } from './types.ts';

/** A watch that ends sooner is a fault: without a pause it would be a hot loop. */
export const SHORTEST_WATCH_MS = 1_000;
/** How long the API server may take to accept a watch. */
const OPEN_MS = 15_000;

export interface ListWatchOptions {
  client: KubeClient;
  resource: Resource;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  name?: string | undefined;
  metadataOnly?: boolean;
}

export interface WatchTimings {
  silenceMs: number;
  watchMinMs: number;
  watchMaxMs: number;
}

export interface WatchCall<T> {
  resourceVersion: string | undefined;
  onOpen: () => void;
  onEvent: (event: WatchEvent<T>) => void;
  isKnown: (version: Version) => boolean;
  /** Ends it. Silence aborts it, too. */
  ending: AbortController;
}

export class ListWatch<T extends KubeObject> {
  readonly #options: ListWatchOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #timings: WatchTimings;

  constructor(options: ListWatchOptions, clock: Clock, random: () => number, timings: WatchTimings) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#timings = timings;
  }

  /** All objects, each transformed as soon as its page is there. */
  async list(transform: (object: T) => T, signal: AbortSignal): Promise<ObjectList<T>> {
    const { client, resource } = this.#options;
    const items: T[] = [];
    let resourceVersion = '';
    for await (const page of client.pages<T>(resource, { ...this.#selection(), signal })) {
      for (const item of page.items) items.push(transform(item));
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  /** The one object (of `options.name`). */
  get(name: string, signal: AbortSignal): Promise<T | undefined> {
    const { client, resource, namespace, metadataOnly = false } = this.#options;
    return client.get<T>(resource, { namespace, name }, { metadataOnly, signal });
  }

  /** One watch; resolves when it ended as it should. Rejects with `Timeout` for silence, `Network` for an early end. */
  async watch({ resourceVersion, onOpen, onEvent, isKnown, ending }: WatchCall<T>): Promise<void> {
    const startedAt = this.#clock.monotonic();
    const { silenceMs, watchMinMs, watchMaxMs } = this.#timings;
    const silence = new SilenceGuard(this.#clock, Math.min(OPEN_MS, silenceMs), silenceMs, ending);
    const heard = (): void => {
      silence.heard();
    };
    try {
      await this.#options.client.watch<T>(this.#options.resource, {
        ...this.#selection(),
        resourceVersion,
        timeoutSeconds: (watchMinMs + this.#random() * (watchMaxMs - watchMinMs)) / 1000,
        signal: ending.signal,
        onOpen: () => {
          heard();
          onOpen();
        },
        onActivity: heard,
        onEvent,
        isKnown,
      });
    } finally {
      silence.dispose();
    }
    if (silence.detected) throw this.#fault('Timeout', `nothing heard for ${silenceMs / 1000} s`);
    if (!ending.signal.aborted && this.#clock.monotonic() - startedAt < SHORTEST_WATCH_MS)
      throw this.#fault('Network', 'ended at once');
  }

  #selection() {
    const { namespace, labelSelector, name, metadataOnly = false } = this.#options;
    const fieldSelector = name === undefined ? this.#options.fieldSelector : `metadata.name=${name}`;
    return { namespace, labelSelector, fieldSelector, metadataOnly };
  }

  #fault(reason: string, what: string): ApiError {
    return new ApiError({ status: 0, reason, message: `WATCH ${this.#options.resource.plural}: ${what}` });
  }
}
