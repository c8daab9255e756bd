/** Whether the endpoint can be reached as spec.exposure asks for, by what the cloud, the ingress controller and the gateway say. */
import { INGRESS, SERVICE, type ForeignCondition } from '../api/external.ts';
import {
  BACKEND_TLS_POLICY,
  HTTP_ROUTE,
  TLS_ROUTE,
  type BackendTLSPolicy,
  type ParentRef,
  type Route,
} from '../api/gateway-api.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject } from '../kube/index.ts';
import { childNames, exposing } from '../resources/index.ts';
import { waiting } from './errors.ts';
import type { Ingress } from './hostnames.ts';
import type { Service } from './objects.ts';
import { ownChild, type Run } from './run.ts';
import { fails, holds, progressing, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** The finding about Exposed: the first that doesn't hold, else the last. Undefined before there is a Service. */
export function exposedOf(run: Run): Finding | undefined {
  const name = childNames(run.server.metadata.name).workload;
  const child = (resource: typeof SERVICE): KubeObject | undefined => ownChild(run, resource, name);
  const service = child(SERVICE) as Service | undefined;
  if (!service) return undefined;
  const findings = [
    serviceFinding(service),
    ...exposing(run.server).map(({ resource }): Finding => {
      const object = child(resource);
      if (!object)
        return progressing('False', 'AddressPending', `${resource.kind} ${keyOf(service.metadata)} is not there yet`);
      switch (resource) {
        case INGRESS:
          return ingressFinding(object);
        case HTTP_ROUTE:
        case TLS_ROUTE:
          return routeFinding(object as Route, run.server);
        case BACKEND_TLS_POLICY:
          return policyFinding(object, run.server);
        default:
          throw new Error(`${resource.kind} exposes nothing`);
      }
    }),
  ];
  return findings.find(({ status }) => status !== 'True') ?? findings.at(-1);
}

interface Address {
  ip?: string;
  hostname?: string;
}

const addressOf = ([address]: Address[] = []): string | undefined =>
  oneLine(address?.hostname ?? address?.ip, 253) || undefined;

function serviceFinding({ metadata, spec, status }: Service): Finding {
  const key = keyOf(metadata);
  if (spec?.type !== 'LoadBalancer') return holds('ServiceReady', `Service ${key}`);
  const address = addressOf(status?.loadBalancer?.ingress);
  if (address !== undefined) return holds('ServiceReady', `Service ${key} at ${address}`);
  const command = `kubectl -n ${metadata.namespace ?? ''} describe service ${metadata.name}`;
  const help = `something in the cluster serves Services of type LoadBalancer, and what it says: ${command}`;
  const message = `the load balancer of Service ${key} has no address yet. If it stays, see whether ${help}`;
  return progressing('False', 'AddressPending', message);
}

function ingressFinding({ metadata, spec, status }: Ingress): Finding {
  const key = keyOf(metadata);
  const address = addressOf(status?.loadBalancer?.ingress);
  if (address !== undefined) return holds('IngressReady', `Ingress ${key} at ${address}`);
  const className = spec?.ingressClassName;
  const help =
    className === undefined
      ? 'that the cluster has a default class, or set spec.exposure.ingress.className: kubectl get ingressclass'
      : `that class ${className} exists and its controller runs: kubectl get ingressclass ${className}`;
  const message = `Ingress ${key} has no address yet. If it stays, see ${help}`;
  return progressing('False', 'AddressPending', message);
}

/** Each parent has to take the route up: those that name several want them all. */
function routeFinding(route: Route, { spec }: KcpMcpServer): Finding {
  const what = `${route.kind} ${keyOf(route.metadata)}`;
  const parents = spec.exposure.gateway?.parentRefs ?? [];
  for (const parent of parents) {
    const where = nameOf(parent, route);
    const answers = route.status?.parents?.filter(({ parentRef }) => isSame(parentRef, parent, route)) ?? [];
    const conditions = answers.flatMap((answer) => answer.conditions ?? []);
    const finding = verdict(conditions, { what, where, route, needed: ['Accepted'] });
    if (finding) return finding;
  }
  return holds('RouteAccepted', `${what} at ${parents.map((parent) => nameOf(parent, route)).join(', ')}`);
}

/** Those who don't know policies of this kind say nothing about them, and would speak plain HTTP to the Pods. */
function policyFinding(policy: BackendTLSPolicy, { spec }: KcpMcpServer): Finding {
  const what = `BackendTLSPolicy ${keyOf(policy.metadata)}`;
  const parents = spec.exposure.gateway?.parentRefs ?? [];
  const answerOf = (where: string, concerns: (ancestor: ParentRef) => boolean): Finding | undefined => {
    const answers = policy.status?.ancestors?.filter(({ ancestorRef }) => concerns(ancestorRef)) ?? [];
    const conditions = answers.flatMap((answer) => answer.conditions ?? []);
    return verdict(conditions, { what, where, route: policy, needed: ['Accepted'] });
  };
  const gateways = parents.filter((parent) => kindOf(parent) === 'Gateway');
  const named = new Set(gateways.map((gateway) => keyOfParent(gateway, policy)));
  // Each of them, and no other: those that the route has left may go on answering.
  const answers = [...named].map((key) =>
    answerOf(`Gateway ${key}`, (ancestor) => keyOfParent(ancestor, policy) === key),
  );
  // Where something else is a parent, some Gateway is above it.
  if (gateways.length < parents.length) answers.push(answerOf('the gateway', () => true));
  return answers.find((finding) => finding !== undefined) ?? holds('RouteAccepted', what);
}

interface Asked {
  what: string;
  where: string;
  route: KubeObject;
  /** Types that must be True; others must not be False. */
  needed: string[];
}

/** What keeps a gateway from serving the route, in its own words; undefined: nothing. */
function verdict(conditions: ForeignCondition[], { what, where, route, needed }: Asked): Finding | undefined {
  const generation = route.metadata.generation ?? 0;
  const current = conditions.filter(({ observedGeneration }) => (observedGeneration ?? generation) >= generation);
  const refused = current.find(({ type, status }) => DECISIVE.includes(type) && status === 'False');
  if (refused) {
    const reason = oneLine(refused.reason, 128);
    const said = [reason, oneLine(refused.message)].filter((part) => part !== '').join(': ');
    const message = `${where} does not serve ${what}: ${refused.type} is False (${said}). ${CURES.get(reason) ?? CURE}`;
    return fails(waiting('RouteNotAccepted', message));
  }
  const missing = needed.find((type) => !current.some((one) => one.type === type && one.status === 'True'));
  if (missing === undefined) return undefined;
  const message = `${where} has not answered to ${what} yet. If it stays, see that it exists and that its controller runs, and knows this kind`;
  return progressing('False', 'RoutePending', message);
}

const DECISIVE = ['Accepted', 'ResolvedRefs', 'Programmed'];

/** By the reasons of sigs.k8s.io/gateway-api/apis/v1. */
const CURES = new Map(
  Object.entries({
    NotAllowedByListeners: 'Let a listener of it allow routes from this namespace, and of this kind (allowedRoutes)',
    NoMatchingListenerHostname: 'Give it a listener for the host name, or correct spec.hostname',
    NoMatchingParent: 'Correct sectionName and port in spec.exposure.gateway.parentRefs',
    UnsupportedValue:
      'See that the listener has protocol TLS and mode Passthrough for a TLSRoute, and ends TLS for an HTTPRoute (spec.exposure.gateway.route)',
    InvalidCACertificateRef:
      'Create the object that spec.exposure.gateway.backendCARef names, with the CA of the certificate in key ca.crt',
    NoValidCACertificate:
      'Create the object that spec.exposure.gateway.backendCARef names, with the CA of the certificate in key ca.crt',
    InvalidKind:
      'Name an object of a kind that the gateway reads in spec.exposure.gateway: a ConfigMap in backendCARef',
    Invalid: "If it can't check certificates by the CAs of its system, name one in spec.exposure.gateway.backendCARef",
  }),
);
const CURE = "See the gateway's status and documentation";

const kindOf = ({ kind = 'Gateway' }: ParentRef): string => kind;
const keyOfParent = ({ namespace, name }: ParentRef, { metadata }: KubeObject): string =>
  keyOf({ namespace: namespace ?? metadata.namespace, name });

function nameOf(parent: ParentRef, route: KubeObject): string {
  const { sectionName, port } = parent;
  const listener = [
    sectionName === undefined ? '' : `listener ${sectionName}`,
    port === undefined ? '' : `port ${port}`,
  ];
  const parts = listener.filter((part) => part !== '').join(', ');
  return `${kindOf(parent)} ${keyOfParent(parent, route)}${parts === '' ? '' : ` (${parts})`}`;
}

/** Controllers answer with the very reference that they were asked by. */
const isSame = (one: ParentRef, other: ParentRef, route: KubeObject): boolean =>
  kindOf(one) === kindOf(other) &&
  keyOfParent(one, route) === keyOfParent(other, route) &&
  one.sectionName === other.sectionName &&
  one.port === other.port;
