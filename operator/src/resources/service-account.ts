import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { ServiceAccount } from './kubernetes-types.ts';
import { childMetadata, childNames } from './names.ts';

/** The identity of the Pods in this cluster. It has no rights, and its token isn't mounted: kcp sees the callers'. */
export function serviceAccount(server: KcpMcpServer): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: childMetadata(server, childNames(server.metadata.name).workload),
    automountServiceAccountToken: false,
  };
}
