// Names and labels of what belongs to a KcpMcpServer. All children live in its namespace.
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { API_VERSION, GROUP, KIND } from '../api/kcp-mcp-server.ts';
import type { OwnerReference } from '../kube/types.ts';

export const FIELD_MANAGER = 'kcp-mcp-operator';
/** Hash of what was applied, on every child; see kube/apply.ts. */
export const HASH_ANNOTATION = `${GROUP}/applied-hash`;

/** On every child, so that the operator's caches can select on it: name of the KcpMcpServer. */
export const SERVER_LABEL = `${GROUP}/server`;

/**
 * On what holds the kubeconfig's credentials, or runs with them (mode Kubeconfig): what carries it is taken away when they may
 * not be used any more. `kubectl get secrets,deployments -A -l mcp.kcp.io/credentials` finds all of it.
 */
export const CREDENTIALS_LABEL = `${GROUP}/credentials`;

/** On a copy with credentials: what `spec.kcp` named when they were copied, or the FrontProxy that lent them. */
export const COPIED_FROM_ANNOTATION = `${GROUP}/copied-from`;

export interface ChildNames {
  /** Deployment, Service, ServiceAccount, PodDisruptionBudget, NetworkPolicy, and what exposes the Service. */
  workload: string;
  configMap: string;
  kubeconfigSecret: string;
  /** Secret with the identity that makes the index (`spec.inventory.mode: Index`). */
  indexSecret: string;
  /** Certificate, and the Secret that cert-manager writes for it. */
  certificate: string;
}

/** Names of the children of the KcpMcpServer `name`. */
export const childNames = (name: string): ChildNames => ({
  workload: `${name}-mcp`,
  configMap: `${name}-mcp-config`,
  kubeconfigSecret: `${name}-mcp-kubeconfig`,
  indexSecret: `${name}-mcp-index`,
  certificate: `${name}-mcp-tls`,
});

/** Labels that the Deployment and the Service select Pods by. Immutable in a Deployment: never add to them. */
export const selectorLabels = (name: string): Record<string, string> => ({
  'app.kubernetes.io/name': 'kcp-mcp-server',
  'app.kubernetes.io/instance': name,
});

/** Labels of every child. */
export const labels = (name: string): Record<string, string> => ({
  ...selectorLabels(name),
  'app.kubernetes.io/component': 'mcp-runtime',
  'app.kubernetes.io/managed-by': 'kcp-mcp-operator',
  'app.kubernetes.io/part-of': 'kcp-mcp',
  [SERVER_LABEL]: name,
});

/**
 * The ownerReference of a child: garbage collection takes it with its owner.
 * @throws if the server has no uid, that is, wasn't read from an API server
 */
export function ownerReference(server: KcpMcpServer): OwnerReference {
  const { name, uid } = server.metadata;
  if (!uid) throw new Error(`KcpMcpServer ${name} has no uid`);
  return { apiVersion: API_VERSION, kind: KIND, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Metadata that every child has in common. */
export const childMetadata = (server: KcpMcpServer, name: string) => ({
  name,
  namespace: server.metadata.namespace ?? 'default',
  labels: labels(server.metadata.name),
  ownerReferences: [ownerReference(server)],
});
