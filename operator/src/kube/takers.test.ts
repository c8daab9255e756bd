import { describe, expect, test } from '@jest/globals';
import { takersOf } from './takers.ts';
import type { KubeObject, ManagedFieldsEntry } from './types.ts';

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'ns', labels: { app: 'a', 'example.com/x': 'y' } },
  spec: {
    type: 'ClusterIP',
    selector: { app: 'a' },
    ports: [
      { name: 'https', port: 443, targetPort: 'https' },
      { name: 'metrics', port: 8080, targetPort: 'metrics' },
    ],
  },
};

const port = (number: number, ...fields: string[]) => ({
  [`k:{"port":${number},"protocol":"TCP"}`]: Object.fromEntries(['.', 'f:port', ...fields].map((name) => [name, {}])),
});
const all = {
  'f:metadata': { 'f:labels': { 'f:app': {}, 'f:example.com/x': {} } },
  'f:spec': {
    'f:type': {},
    'f:selector': {},
    'f:ports': { ...port(443, 'f:name', 'f:targetPort'), ...port(8080, 'f:name', 'f:targetPort') },
  },
};

const takers = (owned: Record<string, unknown> | undefined, ...others: ManagedFieldsEntry[]) => {
  const managedFields = [...others, ...(owned ? [{ manager: 'we', operation: 'Apply', fieldsV1: owned }] : [])];
  const live: KubeObject = { ...service, metadata: { ...service.metadata, managedFields } };
  return takersOf(service, live, owned);
};
const other = (fieldsV1: Record<string, unknown>, more: ManagedFieldsEntry = {}): ManagedFieldsEntry => ({
  manager: 'thief',
  operation: 'Update',
  fieldsV1,
  ...more,
});

describe('who has taken what', () => {
  test('nobody, where all is ours', () => {
    expect(takers(all, other({ 'f:spec': { 'f:type': {} } }))).toEqual([]);
  });

  test('a field that has another value now', () => {
    const { 'f:selector': _, ...spec } = all['f:spec'];
    const owned = { ...all, 'f:spec': spec };
    expect(takers(owned, other({ 'f:spec': { 'f:selector': {} } }))).toEqual([
      { manager: 'thief', fields: ['spec.selector'] },
    ]);
  });

  test('a field of an element of a list, and a whole element', () => {
    const ports = port(443, 'f:name');
    const owned = { ...all, 'f:spec': { ...all['f:spec'], 'f:ports': ports } };
    const theirs = { 'f:spec': { 'f:ports': { ...port(443, 'f:targetPort'), ...port(8080, 'f:targetPort') } } };
    expect(takers(owned, other(theirs))).toEqual([
      { manager: 'thief', fields: ['spec.ports[name=https].targetPort', 'spec.ports[name=metrics]'] },
    ]);
  });

  test('each manager has its own', () => {
    const owned = { 'f:metadata': all['f:metadata'], 'f:spec': { 'f:ports': all['f:spec']['f:ports'] } };
    const scaler = other({ 'f:spec': { 'f:type': {} } }, { manager: 'scaler', subresource: 'scale' });
    expect(takers(owned, other({ 'f:spec': { 'f:selector': {} } }), scaler)).toEqual([
      { manager: 'scaler (scale)', fields: ['spec.type'] },
      { manager: 'thief', fields: ['spec.selector'] },
    ]);
  });

  test('a field that was removed is put down to whoever wrote last, but for writers of status', () => {
    const owned = { ...all, 'f:metadata': { 'f:labels': { 'f:app': {} } } };
    const at = (manager: string, time: string, subresource?: string) =>
      other({ 'f:spec': { 'f:x': {} } }, { manager, time, ...(subresource !== undefined && { subresource }) });
    const others = [
      at('early', '2026-01-01T00:00:00Z'),
      at('late', '2026-01-02T00:00:00Z'),
      at('status', '2026-01-03T00:00:00Z', 'status'),
    ];
    expect(takers(owned, ...others)).toEqual([{ manager: 'late', fields: ['metadata.labels.example.com/x'] }]);
    expect(takers(owned)).toEqual([{ manager: undefined, fields: ['metadata.labels.example.com/x'] }]);
  });

  test('everything, where our share is gone', () => {
    expect(takers(undefined, other({ 'f:spec': { 'f:type': {} } }))).toEqual([
      { manager: 'thief', fields: ['spec', 'metadata'] },
    ]);
  });
});
