import { KUBECONFIG_SECRET_KEY } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { ResolvedReferences } from './index.ts';
import { renderKubeconfig } from './kubeconfig-copy.ts';
import type { Secret } from './kubernetes-types.ts';
import { childMetadata, childNames, COPIED_FROM_ANNOTATION, CREDENTIALS_LABEL } from './names.ts';

/** What `spec.kcp` names, in words: the source of a copy. */
export function copiedFrom({ spec, metadata }: KcpMcpServer): string {
  const { kubeconfigRef, secretRef } = spec.kcp;
  const { namespace = 'default' } = metadata;
  if (kubeconfigRef) return `Kubeconfig ${kubeconfigRef.namespace ?? namespace}/${kubeconfigRef.name}`;
  return `Secret ${namespace}/${secretRef?.name ?? ''}, key ${secretRef?.key ?? ''}`;
}

/** The Secret with the copy of the kubeconfig: address and CA of kcp, credentials in mode Kubeconfig only. */
export function kubeconfigSecret(server: KcpMcpServer, { kubeconfig }: Pick<ResolvedReferences, 'kubeconfig'>): Secret {
  const metadata = childMetadata(server, childNames(server.metadata.name).kubeconfigSecret);
  const { labels } = metadata;
  const marks = kubeconfig.credentials && {
    labels: { ...labels, [CREDENTIALS_LABEL]: 'copied' },
    annotations: { [COPIED_FROM_ANNOTATION]: copiedFrom(server) },
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, ...marks },
    type: 'Opaque',
    // Not stringData: the API server would own `data`, and a comparison with what was applied would always differ.
    data: { [KUBECONFIG_SECRET_KEY]: Buffer.from(renderKubeconfig(kubeconfig)).toString('base64') },
  };
}
