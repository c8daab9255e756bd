// Where the endpoint is: in the Pods, at the Service, and for those who call.
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { childNames } from './names.ts';
import { HTTP_PORT, HTTPS_PORT } from './pod-layout.ts';

/** A port of the Pods and of the Service by the same name, which is also its application protocol (IANA). */
export interface EndpointPort {
  name: 'https' | 'http';
  /** In the Pods. */
  containerPort: number;
}

/** What the Pods speak: HTTPS, or plain HTTP where TLS ends before them. */
export const endpointPort = ({ spec }: KcpMcpServer): EndpointPort =>
  spec.tls.termination === 'Edge'
    ? { name: 'http', containerPort: HTTP_PORT }
    : { name: 'https', containerPort: HTTPS_PORT };

/** Port of the Service. To a load balancer clients come with TLS, wherever that ends. */
export function servicePort({ spec }: KcpMcpServer): number {
  const { port, type } = spec.exposure.service;
  return port ?? (spec.tls.termination === 'Edge' && type !== 'LoadBalancer' ? 80 : 443);
}

/** Secret with the serving certificate; none where the edge has one of its own. */
export const certificateSecret = ({ metadata, spec }: KcpMcpServer): string | undefined =>
  spec.tls.secretName ?? (spec.tls.issuerRef && childNames(metadata.name).certificate);

/** Public base URL, without a slash at its end; the endpoint is this and `/mcp`. */
export function publicURL(server: KcpMcpServer): string {
  const { externalURL, hostname } = server.spec;
  const port = publicPort(server);
  return externalURL ?? `https://${hostname}${port === 443 ? '' : `:${port}`}`;
}

/**
 * The port that clients come to, as far as the spec tells: that of the load balancer, or of the Gateway's listener. What is
 * before a NodePort, or a ClusterIP, nobody here knows.
 */
function publicPort(server: KcpMcpServer): number {
  const { ingress, gateway, service } = server.spec.exposure;
  if (ingress) return 443;
  if (gateway) {
    const [port, ...others] = new Set(gateway.parentRefs.map((parent) => parent.port));
    return others.length === 0 ? (port ?? 443) : 443;
  }
  return service.type === 'LoadBalancer' ? servicePort(server) : 443;
}

/** Host names that clients come by: the hostname, and that of the external URL where it is another. */
export function publicHosts(server: KcpMcpServer): string[] {
  const { hostname } = server.spec;
  return [...new Set([hostname, URL.parse(publicURL(server))?.hostname ?? hostname])];
}
