import { setTimeout as delay } from 'node:timers/promises';
import { frontIdentity } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { workspacesCollection } from './workspace.ts';
import type { Workspace } from './workspace.ts';
import type { WorkspaceCache } from './workspace-cache.ts';

const retryMs = 200;

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: Workspace;
}

/** Keeps the cache in step with the Workspaces of one plane until `signal` aborts. Resolves after the first list. */
export async function followWorkspaces(
  client: PlaneClient,
  plane: Plane,
  cache: WorkspaceCache,
  signal: AbortSignal,
): Promise<void> {
  let version: string | undefined = await list(client, plane, cache, signal);
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        version = version === undefined ? await list(client, plane, cache, signal) : await watch(client, plane, cache, version, signal); // prettier-ignore
      } catch {
        // The plane is starting, stopping or gone; the next round finds out.
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  void follow();
}

async function list(client: PlaneClient, plane: Plane, cache: WorkspaceCache, signal: AbortSignal): Promise<string> {
  const found = (await client.json(plane.url, frontIdentity, { path: workspacesCollection, signal })) as {
    items: Workspace[];
    metadata: { resourceVersion: string };
  };
  const present = new Set(found.items.map((item) => item.metadata.name));
  for (const name of cache.namesIn(plane.cluster)) if (!present.has(name)) cache.remove(plane.cluster, name);
  for (const item of found.items) cache.put(plane.cluster, item);
  cache.advance(Number(found.metadata.resourceVersion));
  return found.metadata.resourceVersion;
}

/** Follows one watch to its end. Returns the version to go on from, or undefined when only a new list helps. */
async function watch(
  client: PlaneClient,
  plane: Plane,
  cache: WorkspaceCache,
  from: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `${workspacesCollection}?watch=true&allowWatchBookmarks=true&resourceVersion=${from}`;
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
      const event = JSON.parse(line) as WatchEvent;
      if (event.type === 'ERROR') return undefined;
      version = event.object.metadata.resourceVersion;
      if (event.type === 'BOOKMARK') cache.advance(Number(version));
      else if (event.type === 'DELETED') cache.remove(plane.cluster, event.object.metadata.name, event.object);
      else cache.put(plane.cluster, event.object);
    }
  }
  return version;
}
