import { KUBECONFIG_SECRET_KEY } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { ResolvedReferences } from './index.ts';
import { renderKubeconfig } from './kubeconfig-copy.ts';
import type { Secret } from './kubernetes-types.ts';
import { childMetadata, childNames } from './names.ts';

/** The Secret with the copy of the kubeconfig: address and CA of kcp, no credential. */
export function kubeconfigSecret(server: KcpMcpServer, { kubeconfig }: Pick<ResolvedReferences, 'kubeconfig'>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: childMetadata(server, childNames(server.metadata.name).kubeconfigSecret),
    type: 'Opaque',
    // Not stringData: the API server would own `data`, and a comparison with what was applied would always differ.
    data: { [KUBECONFIG_SECRET_KEY]: Buffer.from(renderKubeconfig(kubeconfig)).toString('base64') },
  };
}
