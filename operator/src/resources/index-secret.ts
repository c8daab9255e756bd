import { KUBECONFIG_SECRET_KEY } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { renderKubeconfig, type KubeconfigCopy } from './kubeconfig-copy.ts';
import type { Secret } from './kubernetes-types.ts';
import { childMetadata, childNames, CREDENTIALS_LABEL } from './names.ts';

/** The Secret with the identity that makes the index, credentials and all; used for nothing else. */
export function indexSecret(server: KcpMcpServer, index: KubeconfigCopy): Secret {
  const metadata = childMetadata(server, childNames(server.metadata.name).indexSecret);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, labels: { ...metadata.labels, [CREDENTIALS_LABEL]: 'copied' } },
    type: 'Opaque',
    data: { [KUBECONFIG_SECRET_KEY]: Buffer.from(renderKubeconfig(index)).toString('base64') },
  };
}
