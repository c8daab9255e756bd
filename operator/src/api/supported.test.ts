import { expect, test } from '@jest/globals';
import { type KcpMcpServerSpecInput, specSchema } from './kcp-mcp-server.ts';
import { unsupportedFields } from './supported.ts';

const smallest: KcpMcpServerSpecInput = {
  hostname: 'mcp.example.com',
  kcp: { kubeconfigRef: { name: 'kcp' } },
  auth: { oidc: { issuerURL: 'https://auth.example.com', audience: 'kcp' } },
  tls: { issuerRef: { name: 'ca' } },
};

const fieldsOf = (change: Partial<KcpMcpServerSpecInput>) =>
  unsupportedFields(specSchema.parse({ ...smallest, ...change })).map(({ field }) => field);

test('the smallest resource is supported, with a Secret in place of the Kubeconfig too', () => {
  expect(fieldsOf({})).toEqual([]);
  expect(fieldsOf({ kcp: { secretRef: { name: 'kcp' } } })).toEqual([]);
  expect(fieldsOf({ kcp: { frontProxyRef: { name: 'kcp' } } })).toEqual([]);
  expect(fieldsOf({ config: { dropInRef: { name: 'more' } } })).toEqual([]);
  expect(fieldsOf({ exposure: { service: { type: 'LoadBalancer' } } })).toEqual([]);
  expect(fieldsOf({ auth: { ...smallest.auth, upstream: { mode: 'Exchange' } } })).toEqual([]);
  expect(fieldsOf({ auth: { ...smallest.auth, mode: 'Kubeconfig' } })).toEqual([]);
  expect(fieldsOf({ auth: { mode: 'Kubeconfig', allowUnauthenticated: true } })).toEqual([]);
});

test.each<[string[], Partial<KcpMcpServerSpecInput>]>([[['spec.inventory.mode'], { inventory: { mode: 'Index' } }]])(
  '%j is refused by name',
  (fields, change) => {
    expect(fieldsOf(change)).toEqual(fields);
  },
);

test('names the value and says what to do instead', () => {
  const [found] = unsupportedFields(specSchema.parse({ ...smallest, inventory: { mode: 'Index' } }));
  expect(found).toEqual({ field: 'spec.inventory.mode', value: 'Index', hint: 'use Caller' });
});
