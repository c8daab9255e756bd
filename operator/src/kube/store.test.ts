import { expect, test } from '@jest/globals';
import { IndexedStore, isLater } from './store.ts';
import { object } from './testing/fake-watch.ts';
import type { KubeObject } from './types.ts';

const withLabel = (name: string, version: string, label: string): KubeObject => {
  const made = object(name, version);
  return { ...made, metadata: { ...made.metadata, labels: { owner: label } } };
};
const create = (): IndexedStore<KubeObject> =>
  new IndexedStore<KubeObject>({ owner: ({ metadata }) => Object.values(metadata.labels ?? {}) });
const names = (objects: KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name);

test('indexes follow changes and deletions', () => {
  const store = create();
  store.set(withLabel('a', '1', 'x'));
  store.set(withLabel('b', '1', 'x'));
  store.set(withLabel('a', '2', 'y'));
  expect([names(store.byIndex('owner', 'x')), names(store.byIndex('owner', 'y'))]).toEqual([['b'], ['a']]);
  store.delete('ns/b');
  expect(store.byIndex('owner', 'x')).toEqual([]);
  store.replace([withLabel('c', '9', 'z')]);
  expect([names(store.byIndex('owner', 'y')), names(store.byIndex('owner', 'z'))]).toEqual([[], ['c']]);
  expect(() => store.byIndex('other', 'x')).toThrow('no such index');
});

test('an older version of the same object is ignored, another object of that name is not', () => {
  const store = create();
  store.set(object('a', '10', 'uid-1'));
  expect(store.set(object('a', '9', 'uid-1'))).toEqual([]);
  expect(store.set(object('a', '10', 'uid-1'))).toEqual([]);
  const changes = store.set(object('a', '9', 'uid-2'));
  expect(changes.map(({ previous, object }) => [previous?.metadata.uid, object?.metadata.uid])).toEqual([
    ['uid-1', undefined],
    [undefined, 'uid-2'],
  ]);
});

test('resource versions are compared as numbers; where they are none, what differs is later', () => {
  expect([isLater('10', '9'), isLater('9', '10'), isLater('9', '9')]).toEqual([true, false, false]);
  expect([isLater('a', 'b'), isLater('a', 'a'), isLater(undefined, '1')]).toEqual([true, false, true]);
});
