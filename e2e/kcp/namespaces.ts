import { setTimeout as delay } from 'node:timers/promises';
import { createObject } from './objects.ts';
import { followCollection } from './informer.ts';
import { frontIdentity, PlaneError } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';

interface Namespace {
  metadata: { name: string; resourceVersion: string; deletionTimestamp?: string };
  spec?: { finalizers?: string[] };
}

const collection = '/api/v1/namespaces';
const retryMs = 500;

interface APIResource {
  name: string;
  namespaced: boolean;
  verbs: string[];
}

/**
 * kcp's controllers for namespaces, which a generic control plane lacks: a default service account and the CA in each
 * one, and the end of those that are deleted, with all that is in them.
 */
export async function followNamespaces(client: PlaneClient, plane: Plane): Promise<void> {
  const look = (namespace: Namespace): void => {
    const { name, deletionTimestamp } = namespace.metadata;
    void untilDone(`namespace ${name}`, plane.signal, () =>
      deletionTimestamp === undefined ? furnish(client, plane, name) : finalize(client, plane, name),
    );
  };
  const handler = {
    listed: (items: Namespace[]): void => {
      items.forEach(look);
    },
    changed: (type: string, namespace: Namespace): void => {
      if (type !== 'DELETED') look(namespace);
    },
  };
  await followCollection<Namespace>(client, plane, collection, handler);
}

/** Tries until it works, or `signal` aborts. */
async function untilDone(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let done = false; !done;) {
    try {
      await work();
      done = true;
    } catch (error) {
      if (signal.aborted) return;
      console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function furnish(client: PlaneClient, plane: Plane, name: string): Promise<void> {
  if (name === 'kube-public') return;
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  const ca = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt' },
    data: { 'ca.crt': plane.caBundle },
  };
  try {
    await createObject(client, plane, `${collection}/${name}/serviceaccounts`, account);
    await createObject(client, plane, `${collection}/${name}/configmaps`, ca);
  } catch (error) {
    // It is gone, or takes nothing more because it is about to be.
    if (!(error instanceof PlaneError && (error.code === 404 || error.code === 403))) throw error;
  }
}

async function finalize(client: PlaneClient, plane: Plane, name: string): Promise<void> {
  for (const path of await namespacedCollections(client, plane, name)) {
    await client.json(plane.url, frontIdentity, { method: 'DELETE', path });
  }
  const path = `${collection}/${name}/finalize`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } };
  try {
    await client.json(plane.url, frontIdentity, { method: 'PUT', path, body });
  } catch (error) {
    // An earlier look was enough.
    if (!(error instanceof PlaneError && error.code === 404)) throw error;
  }
}

/** Every collection in the namespace that can be emptied, custom resources among them. */
async function namespacedCollections(client: PlaneClient, plane: Plane, namespace: string): Promise<string[]> {
  const get = (path: string): Promise<unknown> => client.json(plane.url, frontIdentity, { path });
  const { groups } = (await get('/apis')) as { groups: { preferredVersion: { groupVersion: string } }[] };
  const prefixes = ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
  const found = await Promise.all(
    prefixes.map(async (prefix) => {
      const { resources } = (await get(prefix)) as { resources: APIResource[] };
      return resources
        .filter((resource) => resource.namespaced && resource.verbs.includes('deletecollection'))
        .map((resource) => `${prefix}/namespaces/${namespace}/${resource.name}`);
    }),
  );
  return found.flat();
}
