/** What the caches keep of an object: with a thousand KcpMcpServers, what nobody reads is most of it. */
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '../kube/index.ts';
import { withoutCredentials } from '../resources/kubeconfig-copy.ts';
import { intern } from './intern.ts';
import type { DataObject, Deployment } from './objects.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Without the copy that kubectl keeps. managedFields stay: whether others edited it, and who, shows there. */
export function slim<T extends KubeObject>(object: T): T {
  return intern({ ...object, metadata: withoutLastApplied(object.metadata) });
}

/** A child also without what others own of its status, which we never apply. */
export function slimChild<T extends KubeObject>(object: T): T {
  const { managedFields, ...rest } = withoutLastApplied(object.metadata);
  const kept = managedFields?.filter(({ subresource }) => subresource !== 'status');
  return intern({ ...object, metadata: kept?.length ? { ...rest, managedFields: kept } : rest });
}

/**
 * A Deployment without the Pods' template: what we wrote there is known by its hash and its owner. Only what is mounted is asked
 * for, by name.
 */
export function slimDeployment(deployment: Deployment): Deployment {
  const { spec, ...rest } = deployment;
  if (!spec) return slimChild(rest);
  const { replicas, template } = spec;
  const volumes = template?.spec?.volumes?.map(({ name }) => ({ name })) ?? [];
  return slimChild({ ...rest, spec: { ...(replicas !== undefined && { replicas }), template: { spec: { volumes } } } });
}

/** An object that isn't ours: who owns which field of it is of no interest. */
export function slimForeign<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: withoutLastApplied(metadata) };
}

/** A Secret of which each value says only whether there is one. */
export function keysOnly(secret: DataObject): DataObject {
  const { apiVersion, kind, metadata, data = {} } = slimForeign(secret);
  const there = Object.entries(data).map(([key, value]): [string, string] => [key, value === '' ? '' : 'set']);
  return { apiVersion, kind, metadata, data: Object.fromEntries(there) };
}

/** Credentials of kubeconfigs never get into our memory for longer than the answer that they came with. */
export function noCredentials(secret: DataObject): DataObject {
  const { data = {}, ...rest } = slimForeign(secret);
  const slimmed = Object.entries(data).map(([key, value]): [string, string] => {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const without = withoutCredentials(text);
    return [key, without === text ? value : Buffer.from(without).toString('base64')];
  });
  return { ...rest, data: Object.fromEntries(slimmed) };
}

/** The key never gets into our memory for longer than the answer that it came with. */
export function noKey(secret: DataObject): DataObject {
  const { data, ...rest } = keysOnly(secret);
  const certificate = secret.data?.['tls.crt'];
  return { ...rest, data: { ...data, ...(certificate !== undefined && { 'tls.crt': certificate }) } };
}

function withoutLastApplied(metadata: ObjectMeta): ObjectMeta {
  const { managedFields, annotations } = metadata;
  const { [LAST_APPLIED]: lastApplied, ...kept } = annotations ?? {};
  return {
    ...metadata,
    ...(lastApplied !== undefined && { annotations: kept }),
    ...(managedFields && { managedFields: managedFields.map(sharing) }),
  };
}

/**
 * Owned fields are much the same for all objects of a kind, and larger than most of what they are about: parts that are equal
 * are kept once. (Owner references name a uid, so the whole never is.)
 */
function sharing(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  if (!entry.fieldsV1) return entry;
  const { 'f:metadata': metadata, ...rest } = entry.fieldsV1 as Record<string, Record<string, unknown> | undefined>;
  return { ...entry, fieldsV1: { ...(metadata && { 'f:metadata': sharedMembers(metadata) }), ...sharedMembers(rest) } };
}

const sharedMembers = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shared(value)]));

const MAX_SHARED = 1_000;
const parts = new Map<string, unknown>();

function shared(part: unknown): unknown {
  const text = JSON.stringify(part);
  const known = parts.get(text);
  if (known !== undefined) return known;
  if (parts.size >= MAX_SHARED) parts.clear();
  parts.set(text, part);
  return part;
}
