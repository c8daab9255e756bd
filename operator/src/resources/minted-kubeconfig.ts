// Kubeconfigs (operator.kcp.io) that the operator makes for itself, for kcp-operator to fill: what `spec.kcp.frontProxyRef`
// and the index of `spec.inventory` need. They lie beside the FrontProxy, which may be in another namespace.
import { createHash } from 'node:crypto';
import { KUBECONFIG } from '../api/external.ts';
import { GROUP, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { apiVersionOf, type KubeObject, type ObjectKey } from '../kube/types.ts';
import { FIELD_MANAGER, ownerReference } from './names.ts';

/** What one is for: where kcp is, or who makes the index. */
export type MintedUse = 'kcp' | 'index';

/**
 * Who kcp sees, the same for every KcpMcpServer: kcp's administrators bind rights to these names. A name of a certificate
 * (X.520 commonName) has at most 64 characters, so it can't hold those of namespace and server.
 */
const USERS: Record<MintedUse, string> = {
  kcp: 'kcp-mcp',
  /** Bound in config/kcp/index-identity.yaml. */
  index: 'kcp-mcp-index',
};

/** kcp can't revoke a client certificate: this is how long one that got away is good for. kcp-operator renews it in time. */
const VALIDITY = '720h';

const SERVER_NAMESPACE_LABEL = `${GROUP}/server-namespace`;
/** Not `mcp.kcp.io/server`, which is for what lies beside the server: kcp-operator copies labels to its Certificate. */
const SERVER_NAME_LABEL = `${GROUP}/server-name`;
const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** kcp-operator makes a label value of the name. */
const MAX_NAME = 63;

/** operator.kcp.io/v1alpha1 Kubeconfig, as far as we set it. */
export interface MintedKubeconfig extends KubeObject {
  spec: {
    target: { frontProxyRef: { name: string } };
    targetWorkspace: string;
    username: string;
    groups: string[];
    validity: string;
    secretRef: { name: string };
  };
}

/**
 * Name of the Kubeconfig, and of the Secret that kcp-operator writes for it. No two servers share one: neither a namespace nor
 * the name of a server holds a dot. Where it would be too long, a hash stands for both.
 */
export function mintedName({ metadata }: KcpMcpServer, use: MintedUse): string {
  const { namespace = 'default', name } = metadata;
  const plain = `${USERS[use]}.${namespace}.${name}`;
  if (plain.length <= MAX_NAME) return plain;
  return `${USERS[use]}.${createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 32)}`;
}

/** The Kubeconfig for a FrontProxy: the user is fixed, in no group, and gets no rights by it. */
export function mintedKubeconfig(server: KcpMcpServer, use: MintedUse, frontProxy: ObjectKey): MintedKubeconfig {
  const name = mintedName(server, use);
  const { namespace = 'default' } = server.metadata;
  return {
    apiVersion: apiVersionOf(KUBECONFIG),
    kind: KUBECONFIG.kind,
    metadata: {
      name,
      namespace: frontProxy.namespace ?? 'default',
      labels: {
        [MANAGED_BY]: FIELD_MANAGER,
        'app.kubernetes.io/part-of': 'kcp-mcp',
        [SERVER_NAMESPACE_LABEL]: namespace,
        [SERVER_NAME_LABEL]: server.metadata.name,
      },
      // Owners are in the same namespace; elsewhere a finalizer does the work of garbage collection.
      ...(frontProxy.namespace === namespace ? { ownerReferences: [ownerReference(server)] } : {}),
    },
    spec: {
      target: { frontProxyRef: { name: frontProxy.name } },
      targetWorkspace: 'root',
      username: USERS[use],
      groups: [],
      validity: VALIDITY,
      secretRef: { name },
    },
  };
}

/** `namespace/name` of the KcpMcpServer that a Kubeconfig was made for; undefined: the operator didn't make it. */
export function serverOfMinted({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  const { labels = {} } = metadata;
  const [namespace, name] = [labels[SERVER_NAMESPACE_LABEL], labels[SERVER_NAME_LABEL]];
  if (labels[MANAGED_BY] !== FIELD_MANAGER || namespace === undefined || name === undefined) return undefined;
  return `${namespace}/${name}`;
}

/** Whether a kubeconfig's only user is one that is never anybody else's. */
export const isMintedUser = (use: MintedUse, user: unknown): boolean => user === USERS[use];
