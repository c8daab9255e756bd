/** What the caches keep of an object: what is read, and of secrets no more than that. */
import type { KubeObject } from '../kube/index.ts';
import type { DataObject } from './objects.ts';

/** Leaves of each value only whether there is one. */
export function keysOnly(secret: DataObject): DataObject {
  const { metadata, data = {} } = slim(secret);
  const there = Object.entries(data).map(([key, value]): [string, string] => [key, value === '' ? '' : 'set']);
  return { apiVersion: secret.apiVersion, kind: secret.kind, metadata, data: Object.fromEntries(there) };
}

/** The key never gets into our memory for longer than the answer that it came with. */
export function noKey(secret: DataObject): DataObject {
  const { data, ...rest } = keysOnly(secret);
  const certificate = secret.data?.['tls.crt'];
  return { ...rest, data: { ...data, ...(certificate !== undefined && { 'tls.crt': certificate }) } };
}

/** Drops what nobody reads and what is large. managedFields stay: what was edited by others shows there. */
export function slim<T extends KubeObject>(object: T): T {
  const { annotations } = object.metadata;
  if (annotations?.['kubectl.kubernetes.io/last-applied-configuration'] === undefined) return object;
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...rest } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: rest } };
}
