import { INGRESS } from '../api/external.ts';
import type { KcpMcpServer, KcpMcpServerSpec } from '../api/kcp-mcp-server.ts';
import { apiVersionOf } from '../kube/types.ts';
import { certificateSecret, endpointPort, publicHosts } from './endpoint.ts';
import type { Ingress } from './kubernetes-types.ts';
import { childMetadata, childNames } from './names.ts';

/**
 * The Ingress. Whether it ends TLS, and what it speaks to the Pods when TLS ends in them, is up to annotations: there is no
 * field for it in networking.k8s.io/v1.
 */
export function ingress(
  server: KcpMcpServer,
  { className, annotations }: NonNullable<KcpMcpServerSpec['exposure']['ingress']>,
): Ingress {
  const name = childNames(server.metadata.name).workload;
  const hosts = publicHosts(server);
  const secretName = certificateSecret(server);
  const backend = { service: { name, port: { name: endpointPort(server).name } } };
  return {
    apiVersion: apiVersionOf(INGRESS),
    kind: INGRESS.kind,
    metadata: { ...childMetadata(server, name), ...(annotations ? { annotations } : {}) },
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      // Without a Secret the controller serves the certificate that it has for these names, or its default one.
      tls: [{ hosts, ...(secretName === undefined ? {} : { secretName }) }],
      rules: hosts.map((host) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })),
    },
  };
}
