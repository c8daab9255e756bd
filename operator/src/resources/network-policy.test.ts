import { expect, test } from '@jest/globals';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { buildAll } from './index.ts';
import { minimalSpec, references, server } from './testdata/servers.ts';

type Wanted = NonNullable<KcpMcpServerSpecInput['networkPolicy']>;

const policy = (networkPolicy: Wanted, kcp = references.kubeconfig.server, issuerURL = 'https://auth.example.com') => {
  const spec = { ...minimalSpec, networkPolicy, auth: { oidc: { ...minimalSpec.auth.oidc, issuerURL } } };
  const kubeconfig = { ...references.kubeconfig, server: kcp };
  return buildAll(server(spec), { ...references, kubeconfig }).networkPolicy?.spec;
};

const tcp = (port: number) => ({ protocol: 'TCP', port });
const DNS = { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] };

test('none unless it is asked for', () => {
  expect(buildAll(server(minimalSpec), references)).not.toHaveProperty('networkPolicy');
});

test('by default in to the endpoint from everywhere, out to DNS, kcp and the issuer', () => {
  expect(policy({})).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ ports: [tcp(8443)] }],
    egress: [DNS, { ports: [tcp(443), tcp(8443)] }],
  });
  expect(JSON.stringify(policy({}))).not.toMatch(/"(from|to)":/);
});

test.each([
  ['https://kcp.example.com', 'https://auth.example.com', [443]],
  ['https://kcp.example.com:6443', 'https://auth.example.com:8443/realms/kcp', [6443, 8443]],
  ['https://[2001:db8::1]:6443/base', 'https://auth.example.com:6443', [6443]],
])('kcp at %s and the issuer at %s: out to %j', (kcp, issuer, ports) => {
  expect(policy({}, kcp, issuer)?.egress).toEqual([DNS, { ports: ports.map(tcp) }]);
});

test('the port of metrics is closed but for those who are named, and they may not reach the endpoint', () => {
  const from = [{ ipBlock: { cidr: '192.0.2.0/24' } }];
  const metricsFrom = [{ podSelector: { matchLabels: { app: 'prometheus' } } }];
  expect(policy({ ingress: { from, metricsFrom } })?.ingress).toEqual([
    { ports: [tcp(8443)], from },
    { ports: [tcp(8080)], from: metricsFrom },
  ]);
});

test('ranges narrow the ports of kcp and the issuer only', () => {
  const additional = [{ cidr: '10.0.0.0/8', ports: [{ port: 1 }] }, { ports: [{ port: 2, endPort: 3 }] }];
  expect(policy({ egress: { cidrs: ['192.0.2.0/24'], additional } })?.egress).toEqual([
    DNS,
    { ports: [tcp(443), tcp(8443)], to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
    { ports: [tcp(1)], to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
    { ports: [{ protocol: 'TCP', port: 2, endPort: 3 }] },
  ]);
});
