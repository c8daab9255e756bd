/** The two requests of an informer, each with what makes it fail visibly: silence, or an end that comes too soon. */
import type { KubeClient, ObjectList, WatchEvent } from './client.ts';
import type { Clock } from './clock.ts';
import { createDeadline } from './deadline.ts';
import { ApiError } from './errors.ts';
import { guardSilence } from './silence.ts';
import type { KubeObject, ObjectKey, Resource } from './types.ts';

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
  clock: Clock;
  random: () => number;
  timings: { silenceMs: number; watchMinMs: number; watchMaxMs: number };
}

export interface WatchCall<T> {
  resourceVersion: string | undefined;
  onOpen: () => void;
  onEvent: (event: WatchEvent<T>) => void;
  signal: AbortSignal;
}

export interface ListWatch<T extends KubeObject> {
  /** All objects, each transformed as soon as its page is there. */
  list(transform: (object: T) => T, signal: AbortSignal): Promise<ObjectList<T>>;
  /** The one object (of `options.name`). */
  get(name: string, signal: AbortSignal): Promise<T | undefined>;
  /** One watch; resolves when it ended as it should. Rejects with `Timeout` for silence, `Network` for an early end. */
  watch(call: WatchCall<T>): Promise<void>;
}

export function createListWatch<T extends KubeObject>(options: ListWatchOptions): ListWatch<T> {
  const { client, resource, namespace, labelSelector, name, metadataOnly = false, clock, timings } = options;
  const fieldSelector = name === undefined ? options.fieldSelector : `metadata.name=${name}`;
  const fault = (reason: string, what: string): ApiError =>
    new ApiError({ status: 0, reason, message: `WATCH ${resource.plural}: ${what}` });

  return {
    async list(transform, signal) {
      const items: T[] = [];
      let resourceVersion = '';
      for await (const page of client.pages<T>(resource, {
        namespace,
        labelSelector,
        fieldSelector,
        metadataOnly,
        signal,
      })) {
        for (const item of page.items) items.push(transform(item));
        resourceVersion = page.resourceVersion;
      }
      return { items, resourceVersion };
    },

    get: (name, signal) => client.get<T>(resource, { namespace, name } satisfies ObjectKey, { metadataOnly, signal }),

    async watch({ resourceVersion, onOpen, onEvent, signal }) {
      const startedAt = clock.monotonic();
      const { silenceMs, watchMinMs, watchMaxMs } = timings;
      const ended = createDeadline(clock, Infinity, [signal]);
      const silence = guardSilence(clock, Math.min(OPEN_MS, silenceMs), silenceMs, ended.abort);
      try {
        await client.watch<T>(resource, {
          namespace,
          labelSelector,
          fieldSelector,
          resourceVersion,
          metadataOnly,
          timeoutSeconds: (watchMinMs + options.random() * (watchMaxMs - watchMinMs)) / 1000,
          signal: ended.signal,
          onOpen: () => {
            silence.heard();
            onOpen();
          },
          onActivity: silence.heard,
          onEvent,
        });
      } finally {
        silence.dispose();
        ended.dispose();
      }
      if (signal.aborted) return;
      if (silence.detected()) throw fault('Timeout', `nothing heard for ${silenceMs / 1000} s`);
      if (clock.monotonic() - startedAt < SHORTEST_WATCH_MS) throw fault('Network', 'ended at once');
    },
  };
}
