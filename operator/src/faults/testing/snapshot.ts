// All that is in some namespaces, without what no two runs have in common.
import { createHash } from 'node:crypto';
import type { Api } from '../../../../e2e/cluster/api.ts';
import type { KubeObject } from '../../kube/index.ts';

/** Written by the API server or about something that is over: not what an operator made. */
const IGNORED = ['Event', 'Lease', 'Endpoints', 'EndpointSlice'];

/** Paths of the collections (in all namespaces) of every namespaced kind that the API server can list. */
async function collections(api: Api): Promise<{ path: string; apiVersion: string; kind: string }[]> {
  const { groups } = (await api.request('/apis')) as { groups: { preferredVersion: { groupVersion: string } }[] };
  const versions = [{ root: '/api/v1', apiVersion: 'v1' }].concat(
    groups.map(({ preferredVersion: { groupVersion } }) => ({
      root: `/apis/${groupVersion}`,
      apiVersion: groupVersion,
    })),
  );
  const found = versions.map(async ({ root, apiVersion }) => {
    const { resources } = (await api.request(root)) as {
      resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
    };
    return resources
      .filter(({ namespaced, verbs, kind }) => namespaced && verbs.includes('list') && !IGNORED.includes(kind))
      .map(({ name, kind }) => ({ path: `${root}/${name}`, apiVersion, kind }));
  });
  return (await Promise.all(found)).flat();
}

/** Text of each object by `Kind name`, by namespace; names of namespaces are replaced by what `places` says. */
export type Snapshot = Map<string, Map<string, string>>;

export async function snapshot(api: Api): Promise<Snapshot> {
  const all: Snapshot = new Map();
  for (const { path, apiVersion, kind } of await collections(api)) {
    const { items } = (await api.request(path)) as { items: KubeObject[] };
    for (const item of items) {
      const namespace = item.metadata.namespace ?? '';
      const objects = all.get(namespace) ?? new Map<string, string>();
      all.set(namespace, objects.set(`${kind} ${item.metadata.name}`, essence({ ...item, apiVersion, kind })));
    }
  }
  return all;
}

/** Of what a Secret holds only a hash: differences are printed. */
const hidden = (data: Record<string, string> = {}) =>
  Object.entries(data).map(([key, value]) => [key, createHash('sha256').update(value).digest('hex')]);

/** What is left of an object when times, identities and what the API server chose are taken away. */
function essence(object: KubeObject & { spec?: object; data?: Record<string, string> }): string {
  const { uid: _u, resourceVersion: _r, creationTimestamp: _c, generation: _g, ...metadata } = object.metadata;
  const managedFields = (object.metadata.managedFields ?? [])
    .map(({ manager, operation, subresource, fieldsV1 }) => JSON.stringify([manager, operation, subresource, fieldsV1]))
    .sort();
  const { clusterIP: _i, clusterIPs: _is, ...spec } = (object.spec ?? {}) as Record<string, unknown>;
  const data = object.kind === 'Secret' ? hidden(object.data) : object.data;
  return JSON.stringify({ ...object, metadata: { ...metadata, managedFields }, spec, data }, null, 1)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replaceAll(/("mcp\.kcp\.io\/applied-hash": )"\w+"/g, '$1"HASH"')
    .replaceAll(/"(observedGeneration)": \d+/g, '"$1": "N"');
}
