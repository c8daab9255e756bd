// The parts of Gateway API's objects that the operator reads, and where their kinds are served: v1 of each, since Gateway
// API 1.5 in the standard channel (HTTPRoute since 1.0, BackendTLSPolicy since 1.4).
// Source: sigs.k8s.io/gateway-api/apis/v1.
import type { KubeObject, Resource } from '../kube/types.ts';
import type { ForeignCondition } from './external.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

const kind = (name: string, plural: string): Resource => ({
  group: GATEWAY_GROUP,
  version: 'v1',
  kind: name,
  plural,
  namespaced: true,
});

export const HTTP_ROUTE = kind('HTTPRoute', 'httproutes');
export const TLS_ROUTE = kind('TLSRoute', 'tlsroutes');
export const BACKEND_TLS_POLICY = kind('BackendTLSPolicy', 'backendtlspolicies');

/** `ParentReference`: what a route, or a policy by way of one, attaches to. */
export interface ParentRef {
  /** `gateway.networking.k8s.io` when left out. */
  group?: string | undefined;
  /** `Gateway` when left out. */
  kind?: string | undefined;
  /** That of the route when left out. */
  namespace?: string | undefined;
  name: string;
  sectionName?: string | undefined;
  port?: number | undefined;
}

/** HTTPRoute or TLSRoute. Conditions `Accepted` and `ResolvedRefs`, of some implementations also `Programmed`. */
export interface Route extends KubeObject {
  spec: { parentRefs?: ParentRef[]; hostnames?: string[] };
  /** One entry for each parent and controller that has looked at the route. */
  status?: { parents?: { parentRef: ParentRef; conditions?: ForeignCondition[] }[] };
}

/** Conditions `Accepted` and, where there is a caCertificateRef, `ResolvedRefs`. */
export interface BackendTLSPolicy extends KubeObject {
  /** One entry for each Gateway that the policy has to do with. */
  status?: { ancestors?: { ancestorRef: ParentRef; conditions?: ForeignCondition[] }[] };
}
