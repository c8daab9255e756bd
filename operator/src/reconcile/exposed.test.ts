import { describe, expect, test } from '@jest/globals';
import type { ForeignCondition } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { ownerReference } from '../resources/names.ts';
import { exposedOf } from './exposed.ts';
import type { Run } from './run.ts';
import type { Finding } from './status.ts';
import { testServer } from './testing/objects.ts';

/** The finding where these are the children, by kind, and what their controllers say. */
function exposed(exposure: object, children: Record<string, object> = {}): Finding | undefined {
  const server = testServer({ spec: { exposure, tls: { issuerRef: { name: 'ca' } } } });
  const objects = new Map(
    Object.entries({ Service: { spec: { type: 'ClusterIP' } }, ...children }).map(([kind, rest]) => [
      `${kind}/${metadataOf(server).name}`,
      { object: { apiVersion: 'v1', kind, metadata: metadataOf(server), ...rest } },
    ]),
  );
  const cache = { get: () => undefined };
  const caches = new Proxy({}, { get: () => cache });
  return exposedOf({ server, applied: objects, caches } as unknown as Run);
}

const metadataOf = (server: KcpMcpServer) => ({
  name: 'vespucci-mcp',
  namespace: 'kcp-mcp',
  generation: 2,
  ownerReferences: [ownerReference(server)],
});

const at = (...ingress: object[]) => ({ status: { loadBalancer: { ingress } } });
const told = (finding: Finding | undefined): string => `${finding?.status} ${finding?.reason}`;

describe('a Service', () => {
  test.each<[string, object, string, string]>([
    ['inside the cluster', { spec: { type: 'ClusterIP' } }, 'True ServiceReady', 'Service kcp-mcp/vespucci-mcp'],
    [
      'a load balancer that is coming',
      { spec: { type: 'LoadBalancer' } },
      'False AddressPending',
      'kubectl -n kcp-mcp describe service vespucci-mcp',
    ],
    [
      'a load balancer',
      { spec: { type: 'LoadBalancer' }, ...at({ ip: '192.0.2.1' }) },
      'True ServiceReady',
      ' at 192.0.2.1',
    ],
    [
      'a load balancer with a name',
      { spec: { type: 'LoadBalancer' }, ...at({ hostname: 'lb.example.com' }) },
      'True ServiceReady',
      ' at lb.example.com',
    ],
  ])('%s', (_, service, expected, message) => {
    const finding = exposed({}, { Service: service });
    expect(told(finding)).toBe(expected);
    expect(finding?.message).toContain(message);
  });
});

describe('an Ingress', () => {
  const ingress = { className: 'nginx' };

  test('needs an address', () => {
    const finding = exposed({ ingress }, { Ingress: { spec: { ingressClassName: 'nginx' } } });
    expect(told(finding)).toBe('False AddressPending');
    expect(finding?.message).toContain('kubectl get ingressclass nginx');
    expect(exposed({ ingress: {} }, { Ingress: { spec: {} } })?.message).toContain('has a default class');
    expect(told(exposed({ ingress }, { Ingress: at({}) }))).toBe('False AddressPending');
    expect(told(exposed({ ingress }, { Ingress: at({ ip: '192.0.2.1' }) }))).toBe('True IngressReady');
  });

  test('is not all that counts: a load balancer that is asked for, too', () => {
    const children = { Ingress: at({ ip: '192.0.2.1' }), Service: { spec: { type: 'LoadBalancer' } } };
    expect(told(exposed({ ingress }, children))).toBe('False AddressPending');
  });
});

describe('a route', () => {
  const parent = { name: 'public', namespace: 'gateways', sectionName: 'mcp' };
  const full = { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...parent };
  const condition = (type: string, status: string, reason = '', message = ''): ForeignCondition =>
    ({ type, status, reason, message, observedGeneration: 2 }) as ForeignCondition;
  const ACCEPTED = condition('Accepted', 'True');
  const RESOLVED = condition('ResolvedRefs', 'True');
  const answered = (...conditions: ForeignCondition[]) => ({ status: { parents: [{ parentRef: full, conditions }] } });
  const routed = (route: object, parents: object[] = [parent]) =>
    exposed({ gateway: { parentRefs: parents } }, { TLSRoute: route });

  test('that is taken up', () => {
    const finding = routed(answered(ACCEPTED, RESOLVED));
    expect(finding).toMatchObject({
      status: 'True',
      reason: 'RouteAccepted',
      message: 'TLSRoute kcp-mcp/vespucci-mcp at Gateway gateways/public (listener mcp)',
    });
    expect(told(routed(answered(ACCEPTED, RESOLVED, condition('Programmed', 'True'))))).toBe('True RouteAccepted');
  });

  test.each<[string, object]>([
    ['nobody has answered', {}],
    [
      'an answer to another reference',
      { status: { parents: [{ parentRef: { ...full, sectionName: 'x' }, conditions: [ACCEPTED] }] } },
    ],
    ['an answer to the generation before', answered({ ...ACCEPTED, observedGeneration: 1 })],
    ['an answer without a verdict', answered(condition('Accepted', 'Unknown', 'Pending'))],
  ])('is waited for: %s', (_, route) => {
    const finding = routed(route);
    expect(told(finding)).toBe('False RoutePending');
    expect(finding?.message).toContain('Gateway gateways/public (listener mcp) has not answered');
  });

  test.each<[string, ForeignCondition[], string]>([
    ['the namespace', [condition('Accepted', 'False', 'NotAllowedByListeners', 'no listener')], 'allowedRoutes'],
    ['the name', [condition('Accepted', 'False', 'NoMatchingListenerHostname')], 'a listener for the host name'],
    ['the listener', [condition('Accepted', 'False', 'NoMatchingParent')], 'Correct sectionName and port'],
    ['the protocol', [condition('Accepted', 'False', 'UnsupportedValue')], 'mode Passthrough'],
    [
      'the Service',
      [ACCEPTED, condition('ResolvedRefs', 'False', 'BackendNotFound', 'no Service')],
      "gateway's status",
    ],
    [
      'the data plane',
      [ACCEPTED, RESOLVED, condition('Programmed', 'False', 'Invalid')],
      'spec.exposure.gateway.backendCARef',
    ],
    ['the name of a method', [condition('Accepted', 'False', 'constructor')], "See the gateway's status"],
  ])('is refused for %s: in the words of the gateway, with the cure', (_, conditions, cure) => {
    const finding = routed(answered(...conditions));
    expect(told(finding)).toBe('False RouteNotAccepted');
    expect(finding?.kind).toBe('waiting');
    const refused = conditions.find(({ status }) => status === 'False');
    expect(finding?.message).toContain(`${refused?.type} is False (${refused?.reason}`);
    expect(finding?.message).toContain(refused?.message);
    expect(finding?.message).toContain(cure);
  });

  test('that one of two parents refuses', () => {
    const other = { ...full, name: 'internal' };
    const parents = [
      { parentRef: full, conditions: [ACCEPTED] },
      { parentRef: other, conditions: [condition('Accepted', 'False', 'NoMatchingParent')] },
    ];
    const finding = routed({ status: { parents } }, [parent, { ...parent, name: 'internal' }]);
    expect(finding?.message).toMatch(/^Gateway gateways\/internal \(listener mcp\) does not serve TLSRoute/);
  });

  test('whose refusal holds control characters', () => {
    const finding = routed(answered(condition('Accepted', 'False', 'No\u001b[2J', 'a\nb\u202e')));
    expect(finding?.message).toContain('(No [2J: a b)');
  });

  test('to HTTPS Pods counts once the gateway knows how to check their certificate', () => {
    const gateway = { parentRefs: [parent], route: 'HTTP' };
    const HTTPRoute = answered(ACCEPTED, RESOLVED);
    const policy = (...conditions: ForeignCondition[]) => ({
      status: { ancestors: [{ ancestorRef: full, conditions }] },
    });
    expect(told(exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: {} }))).toBe('False RoutePending');
    const refused = policy(condition('Accepted', 'False', 'NoValidCACertificate'));
    const finding = exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: refused });
    expect(told(finding)).toBe('False RouteNotAccepted');
    expect(finding?.message).toContain('key ca.crt');
    expect(told(exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: policy(ACCEPTED) }))).toBe('True RouteAccepted');
    const left = { ancestorRef: { ...full, name: 'before' }, conditions: [condition('Accepted', 'False')] };
    const both = { status: { ancestors: [left, ...policy(ACCEPTED).status.ancestors] } };
    expect(told(exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: both }))).toBe('True RouteAccepted');
  });

  test('to HTTPS Pods by two gateways needs both to know, by something else one above it', () => {
    const other = { ...full, name: 'internal' };
    const parents = [parent, { ...parent, name: 'internal' }];
    const HTTPRoute = {
      status: { parents: [full, other].map((parentRef) => ({ parentRef, conditions: [ACCEPTED] })) },
    };
    const policy = (...refs: object[]) => ({
      status: { ancestors: refs.map((ancestorRef) => ({ ancestorRef, conditions: [ACCEPTED] })) },
    });
    const gateway = { parentRefs: parents, route: 'HTTP' };
    const one = exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: policy(full) });
    expect(one).toMatchObject({ status: 'False', reason: 'RoutePending' });
    expect(one?.message).toContain('Gateway gateways/internal has not answered to BackendTLSPolicy');
    const both = exposed({ gateway }, { HTTPRoute, BackendTLSPolicy: policy(full, other) });
    expect(told(both)).toBe('True RouteAccepted');

    const set = { ...parent, kind: 'XListenerSet' };
    const bySet = { gateway: { parentRefs: [set], route: 'HTTP' } };
    const taken = { status: { parents: [{ parentRef: { ...full, ...set }, conditions: [ACCEPTED] }] } };
    expect(told(exposed(bySet, { HTTPRoute: taken, BackendTLSPolicy: {} }))).toBe('False RoutePending');
    expect(told(exposed(bySet, { HTTPRoute: taken, BackendTLSPolicy: policy(other) }))).toBe('True RouteAccepted');
  });
});
