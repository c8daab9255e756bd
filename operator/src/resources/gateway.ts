// Gateway API: the route to the Service, and how the gateway checks the Pods' certificate where it opens TLS to them.
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE, type ParentRef } from '../api/gateway-api.ts';
import type { KcpMcpServer, KcpMcpServerSpec } from '../api/kcp-mcp-server.ts';
import { apiVersionOf, type KubeObject } from '../kube/types.ts';
import { endpointPort, publicHosts, servicePort } from './endpoint.ts';
import { childMetadata, childNames } from './names.ts';

type Gateway = NonNullable<KcpMcpServerSpec['exposure']['gateway']>;

/** The parts of HTTPRoute and TLSRoute that we set. */
export interface RouteInput extends KubeObject {
  spec: {
    parentRefs: ParentRef[];
    hostnames: string[];
    rules: { matches?: object[]; backendRefs: { name: string; port: number }[] }[];
  };
}

/** The part of BackendTLSPolicy that we set. */
export interface BackendTLSPolicyInput extends KubeObject {
  spec: {
    targetRefs: { group: string; kind: string; name: string; sectionName: string }[];
    validation: {
      hostname: string;
      wellKnownCACertificates?: 'System';
      caCertificateRefs?: { group: string; kind: string; name: string }[];
    };
  };
}

/** What the route routes: the choice of the spec, or what fits where TLS ends. */
export const routeOf = ({ spec }: KcpMcpServer, { route }: Gateway): 'TLS' | 'HTTP' =>
  route ?? (spec.tls.termination === 'Edge' ? 'HTTP' : 'TLS');

/** The HTTPRoute or TLSRoute. */
export function route(server: KcpMcpServer, gateway: Gateway): RouteInput {
  const name = childNames(server.metadata.name).workload;
  const resource = routeOf(server, gateway) === 'TLS' ? TLS_ROUTE : HTTP_ROUTE;
  const { annotations, parentRefs } = gateway;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { ...childMetadata(server, name), ...(annotations ? { annotations } : {}) },
    spec: {
      parentRefs,
      hostnames: publicHosts(server),
      rules: [
        {
          ...(resource === HTTP_ROUTE ? { matches: [{ path: { type: 'PathPrefix', value: '/' } }] } : {}),
          backendRefs: [{ name, port: servicePort(server) }],
        },
      ],
    },
  };
}

/**
 * How the gateway checks the Pods' certificate, for an HTTPRoute to Pods in which TLS ends.
 *
 * The CA is one that the user names: that of the certificate's Secret isn't copied, because the operator would have to read
 * the private key beside it.
 */
export function backendTLSPolicy(server: KcpMcpServer, { backendCARef }: Gateway): BackendTLSPolicyInput {
  const name = childNames(server.metadata.name).workload;
  return {
    apiVersion: apiVersionOf(BACKEND_TLS_POLICY),
    kind: BACKEND_TLS_POLICY.kind,
    metadata: childMetadata(server, name),
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name, sectionName: endpointPort(server).name }],
      validation: {
        hostname: server.spec.hostname,
        ...(backendCARef
          ? { caCertificateRefs: [{ group: '', ...backendCARef }] }
          : { wellKnownCACertificates: 'System' }),
      },
    },
  };
}
