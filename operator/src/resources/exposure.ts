// What exposes the Service beyond itself, as spec.exposure asks for it.
import { INGRESS } from '../api/external.ts';
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE } from '../api/gateway-api.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import { backendTLSPolicy, route, routeOf } from './gateway.ts';
import { ingress } from './ingress.ts';

export interface Exposing {
  child: 'ingress' | 'tlsRoute' | 'httpRoute' | 'backendTLSPolicy';
  resource: Resource;
  object: KubeObject;
}

/** In the order in which they are applied: a gateway knows how to speak to the Pods before it is sent there. */
export function exposing(server: KcpMcpServer): Exposing[] {
  const { exposure, tls } = server.spec;
  const { ingress: wanted, gateway } = exposure;
  if (wanted) return [{ child: 'ingress', resource: INGRESS, object: ingress(server, wanted) }];
  if (!gateway) return [];
  const object = route(server, gateway);
  if (routeOf(server, gateway) === 'TLS') return [{ child: 'tlsRoute', resource: TLS_ROUTE, object }];
  const http: Exposing = { child: 'httpRoute', resource: HTTP_ROUTE, object };
  if (tls.termination === 'Edge') return [http];
  const policy = backendTLSPolicy(server, gateway);
  return [{ child: 'backendTLSPolicy', resource: BACKEND_TLS_POLICY, object: policy }, http];
}
