import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { FIELD_MANAGER } from '../resources/names.ts';
import { keysOnly, noCredentials, noKey, slim, slimChild, slimDeployment, slimForeign, slimServer } from './slim.ts';

const own = { manager: FIELD_MANAGER, operation: 'Apply', fieldsV1: { 'f:data': {} } };
const taker = { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': {} } };
const status = { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status' };
const managedFields = [taker, own, status];
const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', kept: 'yes' };
const metadata = { name: 'a', uid: 'u', resourceVersion: '7', annotations, managedFields };
const object = { apiVersion: 'v1', kind: 'Secret', metadata, data: { empty: '', set: 'dmFsdWU=' } };

test('of ours stays what tells whether it was edited, and by whom', () => {
  expect(slim(object).metadata).toEqual({ ...metadata, annotations: { kept: 'yes' } });
  const kept = { ...metadata, annotations: { kept: 'yes' }, managedFields: [taker, own] };
  expect(slimChild(object).metadata).toEqual(kept);
  expect(slimChild({ ...object, metadata: { name: 'a' } }).metadata).toEqual({ name: 'a' });
});

test('what objects own in common is kept once', () => {
  const owning = (uid: string) => {
    const fieldsV1 = {
      'f:metadata': { 'f:labels': { 'f:a': {} }, 'f:ownerReferences': { [`k:{"uid":"${uid}"}`]: {} } },
      'f:spec': { 'f:replicas': {}, 'f:template': { 'f:spec': {} } },
    };
    return { ...object, metadata: { ...metadata, managedFields: [{ ...own, fieldsV1 }] } };
  };
  const [one, other] = [slim(owning('1')), slim(owning('2'))].map((kept) => kept.metadata.managedFields[0]?.fieldsV1);
  expect([one, other]).toEqual(['1', '2'].map((uid) => owning(uid).metadata.managedFields[0]?.fieldsV1));
  expect(one?.['f:spec']).toBe(other?.['f:spec']);
  expect(one?.['f:metadata']['f:labels']).toBe(other?.['f:metadata']['f:labels']);
});

test('of a Deployment stays what is read', () => {
  const volumes = [{ name: 'index', secret: { secretName: 'vespucci-mcp-index' } }];
  const spec = { replicas: 2, template: { spec: { volumes, containers: [] } } };
  const deployment = { ...object, spec, status: { replicas: 1 } };
  const kept = slimDeployment(deployment);
  expect(kept).toMatchObject({ status: { replicas: 1 } });
  // Whether Pods have the identity of the index is read off here, where its Secret may not be read.
  expect(kept.spec).toEqual({ replicas: 2, template: { spec: { volumes: [{ name: 'index' }] } } });
});

test('of others’ objects nobody asks who owns them, and of their secrets not what they are', () => {
  expect(slimForeign(object)).toEqual({
    ...object,
    metadata: { name: 'a', uid: 'u', resourceVersion: '7', annotations: { kept: 'yes' } },
  });
});

const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'kept',
    annotations: { mine: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"tls.key":"c2VjcmV0"}}' },
  },
  data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'c2VjcmV0', empty: '' },
};

test('keysOnly: which keys have a value, and no value', () => {
  expect(keysOnly(secret).data).toEqual({ 'tls.crt': 'set', 'tls.key': 'set', empty: '' });
  expect(JSON.stringify(keysOnly(secret))).not.toContain('c2VjcmV0');
});

test('noCredentials: a kubeconfig says which fields its users have, and nothing of what is in them', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const user = { token: 'hunter2', 'client-key-data': 'aHVudGVyMg==', exec: { command: 'hunter2' }, tokenFile: '' };
  const kubeconfig = stringify({
    'current-context': 'x',
    clusters: [{ name: 'x', cluster: { server: 'https://kcp.example.com' } }],
    users: [{ name: 'me', user }, { name: 'odd', user: 'hunter2' }, 'hunter2'],
  });
  const others = { 'ca.crt': base64('-----BEGIN CERTIFICATE-----'), text: base64('a: [b') };
  const { data = {}, metadata } = noCredentials({
    ...secret,
    data: { kubeconfig: base64(kubeconfig), ...others },
  });
  expect(metadata.annotations).toEqual({ mine: 'x' });
  expect(data).toMatchObject(others);
  const kept = Buffer.from(data['kubeconfig'] ?? '', 'base64').toString();
  expect(kept).not.toMatch(/hunter2|aHVudGVyMg/);
  expect(parse(kept)).toEqual({
    'current-context': 'x',
    clusters: [{ name: 'x', cluster: { server: 'https://kcp.example.com' } }],
    users: [
      { name: 'me', user: { token: 'withheld', 'client-key-data': 'withheld', exec: 'withheld', tokenFile: '' } },
      { name: 'odd', user: {} },
      {},
    ],
  });
});

test('noKey: the certificate, and that there is a key', () => {
  expect(noKey(secret).data).toEqual({ 'tls.crt': 'Y2VydA==', 'tls.key': 'set', empty: '' });
  expect(noKey(secret).metadata.annotations).toEqual({ mine: 'x' });
  expect(JSON.stringify(noKey(secret))).not.toContain('c2VjcmV0');
  expect(noKey({ ...secret, data: {} }).data).toEqual({});
});

test('what is kept of a KcpMcpServer says what it said', () => {
  const time = '2026-11-26T12:00:00Z';
  const entry = { manager: 'kubectl', operation: 'Update', subresource: 'scale', time, fieldsV1: { 'f:spec': {} } };
  const fresh = (managedFields: object[]) =>
    JSON.parse(
      JSON.stringify({
        ...object,
        metadata: { name: 'a', uid: 'u', resourceVersion: '7', labels: { part: 'of something larger' }, managedFields },
        spec: { hostname: 'mcp.example.com', tls: { dnsNames: ['a.example.com'] }, none: null },
        status: { conditions: [{ type: 'Ready', message: 'all is well with this one' }, null] },
      }),
    ) as KcpMcpServer;
  const whole = [{ ...entry, apiVersion: 'v1', fieldsType: 'FieldsV1' }];
  const [one, other] = [slimServer(fresh(whole)), slimServer(fresh(whole))];
  // Of the manager all that is read.
  expect(one).toEqual(fresh([entry]));
  expect(other).toEqual(one);
  expect(other.spec.tls).toBe(one.spec.tls);
});

test('what is large in a spec is kept for nobody else, as everybody may write that', () => {
  const kept = (nodes: number) => {
    const nodeSelector = Object.fromEntries(Array.from({ length: nodes }, (_, i) => [`label-${i}`, 'x']));
    return slimServer({ metadata: { name: 'a' }, spec: { deployment: { nodeSelector } } } as KcpMcpServer);
  };
  expect(kept(10).spec.deployment).toBe(kept(10).spec.deployment);
  expect(kept(10_000).spec.deployment).not.toBe(kept(10_000).spec.deployment);
});

test('children of one owner have labels and owner in common, unless somebody changed them', () => {
  const child = (name: string, labels: Record<string, string>) =>
    slimChild({
      ...object,
      metadata: { name, labels, ownerReferences: [{ apiVersion: 'v1', kind: 'Owner', name: 'o', uid: 'u1' }] },
    }).metadata;
  const one = child('a', { of: 'o' });
  const edited = child('c', { of: 'another' });
  const other = child('b', { of: 'o' });
  expect(other).toEqual({ ...one, name: 'b' });
  expect(other.labels).toBe(one.labels);
  expect(other.ownerReferences).toBe(one.ownerReferences);
  expect(edited.labels).toEqual({ of: 'another' });
});
