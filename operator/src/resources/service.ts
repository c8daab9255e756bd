import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { endpointPort, servicePort } from './endpoint.ts';
import type { Service } from './kubernetes-types.ts';
import { childMetadata, childNames, selectorLabels } from './names.ts';

/** The Service in front of the Pods; what else exposes the endpoint points at it. */
export function service(server: KcpMcpServer): Service {
  const { type, annotations } = server.spec.exposure.service;
  const metadata = childMetadata(server, childNames(server.metadata.name).workload);
  const { name } = endpointPort(server);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
    spec: {
      type,
      selector: selectorLabels(server.metadata.name),
      ports: [{ name, protocol: 'TCP', port: servicePort(server), targetPort: name, appProtocol: name }],
    },
  };
}
