import { expect, test } from '@jest/globals';
import { holdsExactly, ownable, ownsExactly } from './fields.ts';
import type { Fields } from './fields.ts';

const applied = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'n', labels: { 'app.kubernetes.io/name': 'a' }, finalizers: ['x/y'] },
  spec: {
    ports: [{ containerPort: 8443, name: 'https' }],
    args: ['a', 'b'],
    emptyDir: {},
    containers: [{ name: 'main', image: 'i:1' }, { name: 'bare' }],
  },
};
const key = (keys: object): string => `k:${JSON.stringify(keys)}`;
const owned = (): Record<'f:metadata' | 'f:spec', Fields> => ({
  'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/name': {} }, 'f:finalizers': { 'v:"x/y"': {} } },
  'f:spec': {
    'f:ports': { [key({ containerPort: 8443, protocol: 'TCP' })]: { '.': {}, 'f:containerPort': {}, 'f:name': {} } },
    'f:args': {},
    'f:emptyDir': {},
    'f:containers': {
      [key({ name: 'main' })]: { '.': {}, 'f:name': {}, 'f:image': {} },
      [key({ name: 'bare' })]: { '.': {}, 'f:name': {} },
    },
  },
});

test('owns what it applied: defaulted keys, sets, atomic lists, empties', () => {
  expect(ownsExactly(ownable(applied), owned())).toBe(true);
});

test.each<[string, (fields: Record<'f:metadata' | 'f:spec', Fields>) => unknown]>([
  // a branch goes with its last leaf
  ['a map entry', (f) => delete f['f:metadata']['f:labels']],
  ['a member of a set', (f) => delete f['f:metadata']['f:finalizers']],
  ['an atomic list', (f) => delete f['f:spec']['f:args']],
  ['an element of a list', (f) => Reflect.deleteProperty(f['f:spec']['f:containers'] as Fields, key({ name: 'bare' }))],
  [
    'a field of an element, all but its key',
    (f) => delete ((f['f:spec']['f:containers'] as Fields)[key({ name: 'main' })] as Fields)['f:image'],
  ],
  ['a whole branch', (f) => delete (f as Fields)['f:metadata']],
])('no longer owns all when it lost %s', (_, lose) => {
  const fields = owned();
  lose(fields);
  expect(ownsExactly(ownable(applied), fields)).toBe(false);
});

test('owns too much when something is no longer applied', () => {
  const { args: _, ...spec } = applied.spec;
  expect(ownsExactly(ownable({ ...applied, spec }), owned())).toBe(false);
  const fewer = { ...applied.spec, containers: applied.spec.containers.slice(1) };
  expect(ownsExactly(ownable({ ...applied, spec: fewer }), owned())).toBe(false);
  const without = { ...applied.spec, containers: [{ name: 'main' }, { name: 'bare' }] };
  expect(ownsExactly(ownable({ ...applied, spec: without }), owned())).toBe(false);
});

test('of an empty list with keys nothing is owned', () => {
  expect(ownsExactly({ spec: { conditions: [], a: 1 } }, { 'f:spec': { 'f:a': {} } })).toBe(true);
  expect(ownsExactly({ spec: { conditions: [] }, a: 1 }, { 'f:a': {} })).toBe(true);
  expect(ownsExactly({ spec: { conditions: [{ type: 'x' }] }, a: 1 }, { 'f:a': {} })).toBe(false);
});

const fields = {
  'f:list': { [key({ type: 'A' })]: { '.': {}, 'f:type': {}, 'f:status': {} } },
  'f:atomic': {},
  'f:map': { 'f:x': {} },
};
const status = { list: [{ type: 'A', status: 'True' }], atomic: [{ y: 1, x: 2 }], map: { x: 'a' } };

test('holds the same values whatever else is there and however it is ordered', () => {
  const live = {
    list: [
      { type: 'B', status: 'theirs' },
      { status: 'True', type: 'A', since: 'defaulted' },
    ],
    atomic: [{ x: 2, y: 1 }],
    map: { x: 'a', theirs: 1 },
    theirs: true,
  };
  expect(holdsExactly(status, live, fields)).toBe(true);
});

test.each([
  ['a field of an element', { ...status, list: [{ type: 'A', status: 'False' }] }],
  ['an element', { ...status, list: [] }],
  ['an atomic list', { ...status, atomic: [{ y: 1, x: 2, z: 3 }] }],
  ['a map entry', { ...status, map: {} }],
  ['everything', {}],
])('does not hold when %s differs', (_, live) => {
  expect(holdsExactly(status, live, fields)).toBe(false);
});
