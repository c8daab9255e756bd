import { describe, expect, test } from '@jest/globals';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf } from '../kube/index.ts';
import { exposing } from '../resources/index.ts';
import { exposedHostnames, holderOfName, type HostnameCaches } from './hostnames.ts';
import { testServer } from './testing/objects.ts';

const NGINX = { ingress: { className: 'nginx' } };
const gateway = (...parentRefs: object[]) => ({ gateway: { parentRefs } });

/** A server in the namespace of its name, created in the year that is given. */
function named(name: string, year: number, exposure: object = NGINX, hostname = 'mcp.example.com'): KcpMcpServer {
  const server = testServer({ spec: { hostname, exposure } });
  const creationTimestamp = `${year}-01-01T00:00:00Z`;
  return { ...server, metadata: { ...server.metadata, name: 'mcp', namespace: name, uid: name, creationTimestamp } };
}

/** The caches, where for each of `applied` was applied what it asks for. */
function caches(servers: KcpMcpServer[], applied: KcpMcpServer[] = []): HostnameCaches {
  const objects = applied.flatMap((server) => exposing(server).map(({ object }) => object));
  const of = (...kinds: string[]) => {
    return {
      get: (key: { namespace?: string | undefined; name: string }) =>
        objects.find(({ kind, metadata }) => kinds.includes(kind) && keyOf(metadata) === keyOf(key)),
    };
  };
  return {
    servers: {
      byIndex: (_: string, hostname: string) => servers.filter((server) => exposedHostnames(server).includes(hostname)),
    },
    ingresses: of('Ingress'),
    httpRoutes: of('HTTPRoute'),
    tlsRoutes: of('TLSRoute'),
  } as unknown as HostnameCaches;
}

const holder = (server: KcpMcpServer, all: HostnameCaches): string | undefined =>
  holderOfName(server, all)?.key.namespace;

describe('of two with the same name in the same place', () => {
  const [old, young] = [named('old', 2024), named('young', 2026)];

  test('the older one gets it', () => {
    expect(holder(young, caches([old, young]))).toBe('old');
    expect(holder(old, caches([old, young]))).toBeUndefined();
  });

  test('who serves it keeps it: an older one that takes the name on later waits', () => {
    expect(holder(old, caches([old, young], [young]))).toBe('young');
    expect(holder(young, caches([old, young], [young]))).toBeUndefined();
    // It served another name until now.
    const before = named('old', 2024, NGINX, 'other.example.com');
    expect(holder(old, caches([old, young], [young, before]))).toBe('young');
    // Or the same one elsewhere.
    const elsewhere = named('old', 2024, { ingress: { className: 'internal' } });
    expect(holder(old, caches([old, young], [young, elsewhere]))).toBe('young');
  });

  test('when both came to serve it, the younger one gives way', () => {
    expect(holder(young, caches([old, young], [old, young]))).toBe('old');
    expect(holder(old, caches([old, young], [old, young]))).toBeUndefined();
  });

  test('an Ingress made by hand to look like ours takes no name over', () => {
    const exposed = (reason: string) => ({
      observedGeneration: young.metadata.generation ?? 0,
      conditions: [{ type: 'Exposed', status: 'True' as const, reason, message: '', lastTransitionTime: '' }],
    });
    const serves = { ...young, status: exposed('IngressReady') };
    // It was refused the name, and somebody made what the operator didn't.
    const refused = { ...old, status: exposed('HostnameTaken') };
    expect(holder(serves, caches([refused, serves], [refused, serves]))).toBeUndefined();
    expect(holder(refused, caches([refused, serves], [refused, serves]))).toBe('young');
    // Also while the other's is away for a moment.
    expect(holder(serves, caches([refused, serves], [refused]))).toBeUndefined();
    // Its Ingress for another name, and then its spec, were changed to this one just now.
    const changed = { ...old, metadata: { ...old.metadata, generation: 99 }, status: exposed('IngressReady') };
    expect(holder(serves, caches([changed, serves], [changed, serves]))).toBeUndefined();
    expect(holder(changed, caches([changed, serves], [changed, serves]))).toBe('young');
  });

  test('of two of the same second exactly one gets it', () => {
    const [a, b] = [named('a', 2026), named('b', 2026)];
    expect(holder(b, caches([a, b]))).toBe('a');
    expect(holder(a, caches([a, b]))).toBeUndefined();
  });

  test("somebody else's Ingress of that name counts for nobody", () => {
    const stolen = { ...young, metadata: { ...young.metadata, uid: 'before' } };
    expect(holder(young, caches([old, young], [stolen]))).toBe('old');
  });

  test('one that is going counts no more', () => {
    const going = { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(holder(young, caches([going, young], [old]))).toBeUndefined();
  });

  test('the host of the external URL is a name, too', () => {
    const spec = {
      hostname: 'inside.example.com',
      externalURL: 'https://mcp.example.com/x',
      tls: { issuerRef: { name: 'ca' }, dnsNames: ['mcp.example.com'] },
      exposure: NGINX,
    };
    const other = { ...testServer({ spec }), metadata: { ...young.metadata, namespace: 'other', uid: 'other' } };
    expect(holderOfName(other, caches([old, other]))).toMatchObject({ hostname: 'mcp.example.com' });
  });
});

describe('the same place', () => {
  test.each<[string, boolean, object, object]>([
    ['Ingresses of one class', true, NGINX, NGINX],
    ['Ingresses of two classes', false, NGINX, { ingress: { className: 'internal' } }],
    ['an Ingress of the default class, which may be any', true, NGINX, { ingress: {} }],
    [
      'a class by field and by annotation',
      true,
      NGINX,
      { ingress: { annotations: { 'kubernetes.io/ingress.class': 'nginx' } } },
    ],
    [
      'a class by annotation, beside another one by field',
      true,
      NGINX,
      { ingress: { className: 'other', annotations: { 'kubernetes.io/ingress.class': 'nginx' } } },
    ],
    ['an Ingress and a load balancer', false, NGINX, { service: { type: 'LoadBalancer' } }],
    ['one gateway', true, gateway({ name: 'a', namespace: 'gw' }), gateway({ name: 'a', namespace: 'gw' })],
    [
      'one gateway of several',
      true,
      gateway({ name: 'a', namespace: 'gw' }),
      gateway({ name: 'b' }, { name: 'a', namespace: 'gw' }),
    ],
    ['two gateways', false, gateway({ name: 'a', namespace: 'gw' }), gateway({ name: 'b', namespace: 'gw' })],
    ['gateways of two namespaces', false, gateway({ name: 'a' }), gateway({ name: 'a' })],
    [
      'a listener, and all of them',
      true,
      gateway({ name: 'a', namespace: 'gw', sectionName: 'x' }),
      gateway({ name: 'a', namespace: 'gw' }),
    ],
    [
      'two listeners',
      false,
      gateway({ name: 'a', namespace: 'gw', sectionName: 'x' }),
      gateway({ name: 'a', namespace: 'gw', sectionName: 'y' }),
    ],
    [
      'two ports',
      false,
      gateway({ name: 'a', namespace: 'gw', port: 1 }),
      gateway({ name: 'a', namespace: 'gw', port: 2 }),
    ],
    ['an Ingress and a gateway', false, NGINX, gateway({ name: 'a' })],
  ])('%s: %p', (_, same, one, other) => {
    const [old, young] = [named('old', 2024, one), named('young', 2026, other)];
    expect(holder(young, caches([old, young]))).toBe(same ? 'old' : undefined);
  });
});
