import { expect, test } from '@jest/globals';
import { versionOf } from './event-head.ts';

const version = { name: 'a', namespace: 'ns', uid: 'u-1', resourceVersion: '42' };

/** As Go writes a kind that it has a type for. */
const typed = (metadata: object, type = 'MODIFIED'): string =>
  JSON.stringify({ type, object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { ...metadata, generation: 1 } } });

test('which version of what an event is about', () => {
  expect(versionOf(typed(version))).toEqual(version);
  expect(versionOf(typed(version, 'ADDED'))).toEqual(version);
  const partial = typed(version).replace(
    '"ConfigMap","apiVersion":"v1"',
    '"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1"',
  );
  expect(versionOf(partial)).toEqual(version);
});

test('what has to be parsed: deletions, bookmarks, errors, custom resources, what is not as expected', () => {
  const { namespace: _, ...clusterScoped } = version;
  const { uid, resourceVersion } = version;
  const custom = { apiVersion: 'v1', kind: 'Widget', metadata: { annotations: { uid, resourceVersion }, ...version } };
  const lines = [
    typed(version, 'DELETED'),
    typed({ resourceVersion: '42' }, 'BOOKMARK'),
    typed(clusterScoped),
    typed({ ...version, name: 'a"b' }),
    typed({ ...version, resourceVersion: 'x' }),
    JSON.stringify({ type: 'MODIFIED', object: custom }),
    JSON.stringify({ type: 'ERROR', object: { kind: 'Status', apiVersion: 'v1', metadata: version } }),
    ` ${typed(version)}`,
    typed({ name: 'a', generateName: 'a', namespace: 'ns', uid, resourceVersion }),
    '',
  ];
  expect(lines.filter((line) => versionOf(line) !== undefined)).toEqual([]);
});

test('nothing of the line stays with the regular expression', () => {
  const lastMatched = (): unknown => Reflect.get(RegExp, 'input');
  /x/.exec('x');
  expect(lastMatched()).toBe('x');
  versionOf(typed(version));
  expect(lastMatched()).toBe('');
});
