import { setTimeout as delay } from 'node:timers/promises';
import { frontIdentity } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';

const retryMs = 200;

interface Versioned {
  metadata: { resourceVersion: string };
}

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

export interface InformerHandler<T> {
  /** Everything there is, at the start and after a gap. */
  listed(items: T[], resourceVersion: string): void;
  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** The store has come this far without a change here. */
  progressed?(resourceVersion: string): void;
}

/** Tells the handler of every object of a collection until the plane is stopped. Resolves after the first list. */
export async function followCollection<T extends Versioned>(
  client: PlaneClient,
  plane: Plane,
  collection: string,
  handler: InformerHandler<T>,
): Promise<void> {
  const { signal } = plane;
  const source = { client, plane, collection, handler };
  let version: string | undefined = await list(source);
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        version = version === undefined ? await list(source) : await watch(source, version);
      } catch {
        // The plane is starting, stopping or gone; the next round finds out.
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  void follow();
}

interface Source<T> {
  client: PlaneClient;
  plane: Plane;
  collection: string;
  handler: InformerHandler<T>;
}

async function list<T>({ client, plane, collection, handler }: Source<T>): Promise<string> {
  const found = (await client.json(plane.url, frontIdentity, { path: collection, signal: plane.signal })) as {
    items: T[];
    metadata: { resourceVersion: string };
  };
  handler.listed(found.items, found.metadata.resourceVersion);
  return found.metadata.resourceVersion;
}

/** Follows one watch to its end. Returns the version to go on from, or undefined when only a new list helps. */
async function watch<T extends Versioned>(source: Source<T>, from: string): Promise<string | undefined> {
  const { client, plane, collection, handler } = source;
  const { signal } = plane;
  const path = `${collection}?watch=true&allowWatchBookmarks=true&resourceVersion=${from}`;
  const response = await client.send(plane.url, frontIdentity, {
    path,
    headers: { accept: 'application/json' },
    signal,
  });
  if (response.statusCode !== 200) {
    await response.body.dump();
    return undefined;
  }
  let version = from;
  let pending = '';
  response.body.setEncoding('utf8');
  for await (const chunk of response.body as AsyncIterable<string>) {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      const { type, object } = JSON.parse(line) as WatchEvent<T>;
      if (type === 'ERROR') return undefined;
      version = object.metadata.resourceVersion;
      if (type === 'BOOKMARK') handler.progressed?.(version);
      else handler.changed(type, object);
    }
  }
  return version;
}
