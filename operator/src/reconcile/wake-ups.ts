/** How a change of what is watched by kind finds the KcpMcpServers that it concerns. Single objects know who looked at them. */
import { isDeepStrictEqual } from 'node:util';
import type { CertManagerCertificate, CertManagerCertificateRequest, KcpKubeconfig } from '../api/external.ts';
import type { BackendTLSPolicy } from '../api/gateway-api.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type Informer, type KubeObject, type ObjectMeta } from '../kube/index.ts';
import { mintedName } from '../resources/minted-kubeconfig.ts';
import { watchHostnames, type HostnameCaches } from './hostnames.ts';
import type { KindCache } from './kind-cache.ts';
import { wakeOwners } from './owners.ts';

export interface WakingCaches {
  servers: KindCache<KcpMcpServer>;
  /** These, and all others. */
  children: Omit<HostnameCaches, 'servers'> & {
    certificates: KindCache<CertManagerCertificate>;
    backendTLSPolicies: KindCache<BackendTLSPolicy>;
  };
  certificateRequests: KindCache<CertManagerCertificateRequest>;
  kubeconfigs: Informer<KcpKubeconfig>;
}

/** Index of KcpMcpServers: see {@link kubeconfigKeysOf}. */
export const BY_KUBECONFIG = 'kubeconfig';

/** Keys of the Kubeconfigs that a server is about: the one that says where kcp is, and the one that an index would be read with. */
export function kubeconfigKeysOf(server: KcpMcpServer): string[] {
  const { kubeconfigRef, frontProxyRef } = server.spec.kcp;
  const ref = kubeconfigRef ?? frontProxyRef;
  if (!ref) return [];
  const names = [kubeconfigRef?.name ?? mintedName(server, 'kcp'), mintedName(server, 'index')];
  return names.map((name) => keyOf({ namespace: ref.namespace ?? server.metadata.namespace, name }));
}

/** @param wake see CachesOptions */
export function wireWakeUps(
  { servers, children, certificateRequests, kubeconfigs }: WakingCaches,
  wake: (key: string, version?: string) => void,
): void {
  const wakeServer = ({ metadata }: KcpMcpServer): void => {
    wake(keyOf(metadata));
  };
  servers.on({
    onAdd: wakeServer,
    onUpdate: (before, server, own) => {
      if (!own) wake(keyOf(server.metadata), server.metadata.resourceVersion);
      // What was written is the status; but the answer may bring news of the spec, of which no event tells any more.
      else if (isChangedByOthers(before, server)) wakeServer(server);
    },
    onDelete: wakeServer,
  });
  for (const cache of [...Object.values(children), certificateRequests] as KindCache<KubeObject>[])
    wakeOwners(cache, wake);
  watchHostnames({ servers, ...children }, wake);

  const wakeWhere = (concerns: (server: KcpMcpServer) => boolean): void => {
    for (const server of servers.list()) if (concerns(server)) wake(keyOf(server.metadata));
  };
  const wakeUsers = ({ metadata }: KcpKubeconfig): void => {
    for (const server of servers.byIndex(BY_KUBECONFIG, keyOf(metadata))) wake(keyOf(server.metadata));
  };
  /** Whether a Kubeconfig that it needs isn't there, as far as is known: what that means depends on whether there is contact. */
  const isMissing = (server: KcpMcpServer): boolean => {
    const [kcp, index] = kubeconfigKeysOf(server);
    const wanted = server.spec.inventory.mode === 'Index' ? [kcp, index] : [kcp];
    return wanted.some((key) => key !== undefined && !kubeconfigs.store.get(key));
  };
  kubeconfigs.on({
    onAdd: wakeUsers,
    onUpdate: (_, kubeconfig) => {
      wakeUsers(kubeconfig);
    },
    onDelete: wakeUsers,
    onAnswer: () => {
      wakeWhere((server) => server.spec.kcp.secretRef === undefined);
    },
    onState: () => {
      wakeWhere(isMissing);
    },
  });
  children.certificates.on({
    onAnswer: () => {
      wakeWhere((server) => server.spec.tls.issuerRef !== undefined);
    },
  });

  for (const kind of [children.httpRoutes, children.tlsRoutes, children.backendTLSPolicies]) {
    kind.on({
      onAnswer: () => {
        wakeWhere((server) => server.spec.exposure.gateway !== undefined);
      },
    });
  }
}

/** Whether more than the status differs. */
function isChangedByOthers({ metadata: before }: KcpMcpServer, { metadata: after }: KcpMcpServer): boolean {
  const parts = ({ uid, generation, deletionTimestamp, finalizers, labels, annotations }: ObjectMeta) => [
    uid,
    generation,
    deletionTimestamp,
    finalizers,
    labels,
    annotations,
  ];
  return !isDeepStrictEqual(parts(before), parts(after));
}
