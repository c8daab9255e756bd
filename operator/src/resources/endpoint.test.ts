import { describe, expect, test } from '@jest/globals';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { publicHosts, publicURL, servicePort } from './endpoint.ts';
import { minimalSpec, server } from './testdata/servers.ts';

type Change = Pick<Partial<KcpMcpServerSpecInput>, 'tls' | 'exposure' | 'externalURL'>;

const of = (change: Change) => server({ ...minimalSpec, ...change });
const edge = { tls: { termination: 'Edge' } } as const;
const loadBalancer = { service: { type: 'LoadBalancer' } } as const;
const parent = (port?: number) => ({ name: 'public', ...(port === undefined ? {} : { port }) });

describe('the port of the Service', () => {
  test.each<[string, number, Change]>([
    ['HTTPS', 443, {}],
    ['plain HTTP', 80, edge],
    ['plain HTTP behind a load balancer that ends TLS', 443, { ...edge, exposure: loadBalancer }],
    ['one that was chosen', 8443, { ...edge, exposure: { service: { port: 8443 } } }],
  ])('%s: %d', (_, port, change) => {
    expect(servicePort(of(change))).toBe(port);
  });
});

describe('the URL that callers are told', () => {
  test.each<[string, string, Change]>([
    ['a ClusterIP, with who knows what before it', '', { exposure: { service: { port: 8443 } } }],
    ['a NodePort, likewise', '', { exposure: { service: { type: 'NodePort', port: 8443 } } }],
    ['a load balancer', '', { exposure: loadBalancer }],
    ['a load balancer at another port', ':8443', { exposure: { service: { type: 'LoadBalancer', port: 8443 } } }],
    [
      'an ingress, whatever the Service',
      '',
      { exposure: { ingress: {}, service: { type: 'LoadBalancer', port: 8443 } } },
    ],
    ['a listener', '', { exposure: { gateway: { parentRefs: [parent()] } } }],
    ['a listener at another port', ':8443', { exposure: { gateway: { parentRefs: [parent(8443)] } } }],
    ['listeners at several ports', '', { exposure: { gateway: { parentRefs: [parent(8443), parent(443)] } } }],
    ['plain HTTP behind what ends TLS', '', { ...edge, exposure: { ingress: {} } }],
  ])('%s: https://HOSTNAME%s', (_, port, change) => {
    expect(publicURL(of(change))).toBe(`https://${minimalSpec.hostname}${port}`);
  });

  test('is the one of the spec where there is one; its host is served, too', () => {
    const change = {
      externalURL: 'https://other.example.com:9443/kcp',
      tls: { ...minimalSpec.tls, dnsNames: ['other.example.com', 'inside.example.com'] },
      exposure: { service: { type: 'LoadBalancer', port: 8443 } },
    } satisfies Change;
    expect(publicURL(of(change))).toBe(change.externalURL);
    expect(publicHosts(of(change))).toEqual([minimalSpec.hostname, 'other.example.com']);
    expect(publicHosts(of({}))).toEqual([minimalSpec.hostname]);
  });
});
