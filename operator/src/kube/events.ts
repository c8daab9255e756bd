/** A recorder of Kubernetes Events (events.k8s.io/v1, KEP-383). */
import { randomBytes } from 'node:crypto';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import { hashOf } from './content.ts';
import { microTime } from './lease.ts';
import { silentLogger } from './types.ts';
import type { KubeObject, Logger, Resource } from './types.ts';

export const eventResource: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** The same event within so many ms of the last one belongs to its series (as in client-go). */
const SERIES_MS = 6 * 60_000;
/** How often the growing count of a series is written. */
const FLUSH_MS = 60_000;
/** Series and buckets remembered; the oldest go first. */
const MAX_REMEMBERED = 4096;
const MAX_PENDING = 1000;
const MAX_NOTE_BYTES = 1024;

export interface EventRecorderOptions {
  client: KubeClient;
  /** `reportingController`, e.g. `example.com/my-operator`. */
  controller: string;
  /** `reportingInstance`: the Pod, at most 128 characters. */
  instance: string;
  clock?: Clock;
  logger?: Logger;
  /** New events per object: bursts of so many, then one each `refillMs`. Default 25 and 300,000 ms, as client-go's spam filter. */
  burst?: number;
  refillMs?: number;
}

export interface EventInput {
  regarding: KubeObject;
  related?: KubeObject;
  type: 'Normal' | 'Warning';
  /** UpperCamelCase, at most 128 characters: why. */
  reason: string;
  /** UpperCamelCase, at most 128 characters: what the controller did or tried. */
  action: string;
  /** For people; cut at 1024 bytes. */
  note: string;
}

export interface EventRecorder {
  /**
   * Records in the background. The same event again within six minutes becomes a series of the first. Failures are
   * logged at debug level only, and never reach the caller.
   */
  event(input: EventInput): void;
  /** Writes what is pending and the counts of running series; takes nothing any more. */
  stop(): Promise<void>;
}

interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace?: string | undefined;
  name: string;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

interface Event extends KubeObject {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: ObjectReference;
  related?: ObjectReference;
  note: string;
  type: string;
  series?: { count: number; lastObservedTime: string };
}

interface Series {
  /** What the API server takes no change of, as the first one had it; all else is the same for the whole series. */
  first: Pick<Event, 'metadata' | 'eventTime' | 'regarding' | 'related'>;
  count: number;
  lastAt: number;
  /** A write of the count that is pending. */
  flush?: { event: Event; cancel: () => void } | undefined;
}

interface Bucket {
  tokens: number;
  at: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, burst = 25, refillMs = 300_000 } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const series = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();
  /** Written one after the other. */
  let writing: Promise<void> = Promise.resolve();
  let pending = 0;
  let stopped = false;

  function enqueue(write: () => Promise<unknown>): void {
    if (pending >= MAX_PENDING) return;
    pending += 1;
    writing = writing.then(async () => {
      try {
        await write();
      } catch (error) {
        logger.debug('an event could not be written', { error: (error as Error).message });
      } finally {
        pending -= 1;
      }
    });
  }

  const fieldManager = options.controller.slice(0, 128);

  function flush(of: Series): void {
    if (!of.flush) return;
    const { event, cancel } = of.flush;
    cancel();
    of.flush = undefined;
    enqueue(() => {
      const series = { count: of.count, lastObservedTime: microTime(of.lastAt) };
      const grown: Event = { ...event, ...of.first, series };
      // apply, since the first of the series may have expired meanwhile: then it is created again
      return client.apply(eventResource, grown, { fieldManager, force: true });
    });
  }

  function allowed(object: string): boolean {
    const now = clock.monotonic();
    const bucket = buckets.get(object) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMs);
    bucket.at = now;
    remember(buckets, object, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  function repeat(of: Series, event: Event, now: number): void {
    of.count += 1;
    of.lastAt = now;
    of.flush ??= {
      event,
      cancel: clock.after(FLUSH_MS, () => {
        flush(of);
      }),
    };
  }

  return {
    event(input) {
      if (stopped) return;
      const now = clock.now();
      const event = newEvent(options, input, now);
      const object = event.regarding.uid ?? `${event.regarding.namespace ?? ''}/${event.regarding.name}`;
      const key = hashOf([object, event.related?.uid, event.type, event.reason, event.action, event.note]);
      const running = series.get(key);
      if (running !== undefined && now - running.lastAt < SERIES_MS) {
        repeat(running, event, now);
        return;
      }
      if (!allowed(object)) return;
      const { metadata, eventTime, regarding, related } = event;
      remember(series, key, {
        first: { metadata, eventTime, regarding, ...(related && { related }) },
        ...{ count: 1, lastAt: now },
      });
      enqueue(() => client.create(eventResource, event, { fieldManager }));
    },
    async stop() {
      stopped = true;
      for (const each of series.values()) flush(each);
      await writing;
    },
  };
}

function newEvent(options: EventRecorderOptions, input: EventInput, now: number): Event {
  const { regarding, related } = input;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      // names are at most 253 characters, and those of objects may be as long
      name: `${regarding.metadata.name.slice(0, 230).replace(/[^a-z0-9]+$/, '')}.${randomBytes(8).toString('hex')}`,
      namespace: regarding.metadata.namespace ?? 'default',
    },
    eventTime: microTime(now),
    reportingController: options.controller,
    reportingInstance: options.instance.slice(0, 128),
    action: input.action.slice(0, 128),
    reason: input.reason.slice(0, 128),
    regarding: referenceTo(regarding),
    ...(related === undefined ? {} : { related: referenceTo(related) }),
    note: cutToBytes(input.note, MAX_NOTE_BYTES),
    type: input.type,
  };
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}

/** The longest beginning of `text` that fits, without half a character at its end. */
function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const ellipsis = '…';
  const buffer = Buffer.from(text).subarray(0, bytes - Buffer.byteLength(ellipsis));
  return new TextDecoder().decode(buffer, { stream: true }) + ellipsis;
}

/** Sets an entry as the newest and drops the oldest beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > MAX_REMEMBERED && oldest.done !== true) map.delete(oldest.value);
}
