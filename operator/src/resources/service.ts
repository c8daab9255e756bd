import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { Service } from './kubernetes-types.ts';
import { childMetadata, childNames, selectorLabels } from './names.ts';

/** The Service in front of the Pods; what else exposes the endpoint points at it. */
export function service(server: KcpMcpServer): Service {
  const { type, port, annotations } = server.spec.exposure.service;
  const metadata = childMetadata(server, childNames(server.metadata.name).workload);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
    spec: {
      type,
      selector: selectorLabels(server.metadata.name),
      ports: [{ name: 'https', protocol: 'TCP', port, targetPort: 'https', appProtocol: 'https' }],
    },
  };
}
