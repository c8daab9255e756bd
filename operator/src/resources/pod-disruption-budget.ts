import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { PodDisruptionBudget } from './kubernetes-types.ts';
import { childMetadata, childNames, selectorLabels } from './names.ts';

/**
 * Lets Pods be evicted one by one, for instance when nodes are drained. A Pod that isn't ready is no loss, so it holds no
 * drain up (KEP-3017).
 */
export function podDisruptionBudget(server: KcpMcpServer): PodDisruptionBudget {
  const { name } = server.metadata;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMetadata(server, childNames(name).workload),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(name) },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}
