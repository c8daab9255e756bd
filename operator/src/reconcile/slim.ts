/** What the caches keep of an object: with a thousand KcpMcpServers, what nobody reads is most of it. */
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '../kube/index.ts';
import { withoutCredentials } from '../resources/kubeconfig-copy.ts';
import { once, shared, sharedMembers, textsOnce } from './sharing.ts';
import type { DataObject, Deployment } from './objects.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Without the copy that kubectl keeps. managedFields stay: whether others edited it, and who, shows there. */
export function slim<T extends KubeObject>(object: T): T {
  return { ...object, metadata: slimMetadata(object.metadata) };
}

/** A KcpMcpServer, of which there are many that say the same. What is equal in others takes its place in `server` itself, too. */
export function slimServer(server: KcpMcpServer): KcpMcpServer {
  sharedMembers(server.spec);
  for (const condition of server.status?.conditions ?? []) textsOnce(condition, ['type', 'reason']);
  return slim(server);
}

/** A child also without what others own of its status, which we never apply. */
export function slimChild<T extends KubeObject>(object: T): T {
  const { managedFields, ...rest } = object.metadata;
  const kept = managedFields?.filter(({ subresource }) => subresource !== 'status');
  return { ...object, metadata: slimMetadata(kept?.length ? { ...rest, managedFields: kept } : rest) };
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

function slimMetadata(metadata: ObjectMeta): ObjectMeta {
  const { namespace, labels, ownerReferences, managedFields } = metadata;
  return {
    ...withoutLastApplied(metadata),
    ...(namespace !== undefined && { namespace: once(namespace) }),
    ...(labels && { labels: shared(labels) }),
    ...(ownerReferences && { ownerReferences: shared(ownerReferences) }),
    ...(managedFields && { managedFields: managedFields.map(slimEntry) }),
  };
}

function withoutLastApplied(metadata: ObjectMeta): ObjectMeta {
  const { [LAST_APPLIED]: lastApplied, ...annotations } = metadata.annotations ?? {};
  return lastApplied === undefined ? metadata : { ...metadata, annotations };
}

/**
 * Owned fields are much the same for all objects of a kind, and larger than most of what they are about: parts that are equal
 * are kept once. (Owner references name a uid, so the whole never is.)
 */
function slimEntry({ manager, operation, subresource, time, fieldsV1 }: ManagedFieldsEntry): ManagedFieldsEntry {
  return {
    ...(manager !== undefined && { manager: once(manager) }),
    ...(operation !== undefined && { operation: once(operation) }),
    ...(subresource !== undefined && { subresource: once(subresource) }),
    ...(time !== undefined && { time: once(time) }),
    ...(fieldsV1 && { fieldsV1: sharing(fieldsV1 as OwnedFields) }),
  };
}

type OwnedFields = Record<string, object | undefined>;

function sharing({ 'f:metadata': metadata, ...rest }: OwnedFields): OwnedFields {
  return { ...(metadata && { 'f:metadata': sharedMembers(metadata) }), ...sharedMembers(rest) };
}
