import { FRONT_PROXY, KUBECONFIG_SECRET_KEY } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type ObjectKey } from '../kube/types.ts';
import { renderKubeconfig, type KubeconfigCopy } from './kubeconfig-copy.ts';
import type { Secret } from './kubernetes-types.ts';
import { childMetadata, childNames, COPIED_FROM_ANNOTATION, CREDENTIALS_LABEL } from './names.ts';

/** What lent the identity, in words. */
export const lentBy = (frontProxy: ObjectKey): string => `${FRONT_PROXY.kind} ${keyOf(frontProxy)}`;

/** The Secret with the identity that makes the index, credentials and all; used for nothing else. */
export function indexSecret(server: KcpMcpServer, index: KubeconfigCopy, frontProxy: ObjectKey): Secret {
  const metadata = childMetadata(server, childNames(server.metadata.name).indexSecret);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [CREDENTIALS_LABEL]: 'copied' },
      annotations: { [COPIED_FROM_ANNOTATION]: lentBy(frontProxy) },
    },
    type: 'Opaque',
    data: { [KUBECONFIG_SECRET_KEY]: Buffer.from(renderKubeconfig(index)).toString('base64') },
  };
}
