import { expect, test } from '@jest/globals';
import type { KubeObject } from '../kube/index.ts';
import { sharing } from './sharing.ts';

const asItCame = (object: KubeObject): KubeObject => object;

/** As the API server tells of it, parsed anew each time. */
function serviceOf(owner: string, more: object = {}): KubeObject & Record<string, never> {
  const fieldsV1 = {
    'f:metadata': { 'f:labels': { 'f:a': {} }, 'f:ownerReferences': { [`k:{"uid":"${owner}"}`]: {} } },
    'f:spec': { 'f:ports': { '.': {}, 'k:{"port":443}': { 'f:port': {} } } },
  };
  const metadata = {
    name: owner,
    resourceVersion: owner,
    labels: { part: 'of something larger' },
    annotations: { 'example.com/manifest': 'password: hunter2' },
    managedFields: [{ manager: 'kcp-mcp-operator', operation: 'Apply', fieldsV1 }],
  };
  const status = { conditions: [{ type: 'Ready', message: `all is well with ${owner}` }, null], list: [] };
  return JSON.parse(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata, status, ...more })) as ReturnType<
    typeof serviceOf
  >;
}

test('what is equal is held once, and all says what it said', () => {
  const keep = sharing(asItCame);
  const [one, other] = [keep(serviceOf('1')), keep(serviceOf('2'))];
  expect([one, other]).toEqual([serviceOf('1'), serviceOf('2')]);
  expect(other.metadata.labels).toBe(one.metadata.labels);
  const [fields, others] = [one, other].map(
    ({ metadata }) => metadata.managedFields?.[0]?.fieldsV1 as Record<string, Record<string, unknown>>,
  );
  expect(others?.['f:spec']).toBe(fields?.['f:spec']);
  expect(others?.['f:metadata']?.['f:labels']).toBe(fields?.['f:metadata']?.['f:labels']);
  expect(others?.['f:metadata']).not.toBe(fields?.['f:metadata']);
});

test.each([
  ['more', { spec: { a: '1', b: '2' } }],
  ['less', { spec: {} }],
  ['a list for a map', { spec: ['1'] }],
  ['nothing', { spec: null }],
  ['names that objects have anyway', { spec: JSON.parse('{"__proto__":{},"constructor":{}}') as object }],
])('an object with %s than the one before', (_, more) => {
  const keep = sharing(asItCame);
  keep(serviceOf('1', { spec: { a: '1' } }));
  expect(keep(serviceOf('2', more))).toEqual(serviceOf('2', more));
  expect(keep(serviceOf('3', { spec: { a: '1' } }))).toEqual(serviceOf('3', { spec: { a: '1' } }));
});

test('annotations, which may hold what is in Secrets, are nobody else’s', () => {
  const keep = sharing(asItCame);
  const [one, other] = [keep(serviceOf('1')), keep(serviceOf('1'))];
  expect(other.metadata.annotations).toEqual(one.metadata.annotations);
  expect(other.metadata.annotations).not.toBe(one.metadata.annotations);
});
