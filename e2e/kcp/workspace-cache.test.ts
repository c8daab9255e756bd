import { describe, expect, test } from '@jest/globals';
import { pageOf } from './pages.ts';
import { labelMatcher } from './selectors.ts';
import type { Workspace } from './workspace.ts';
import { WorkspaceCache } from './workspace-cache.ts';

function workspace(name: string, resourceVersion: number, cluster?: string): Workspace {
  const metadata = { name, uid: name, resourceVersion: String(resourceVersion), creationTimestamp: '' };
  return { apiVersion: 'v', kind: 'Workspace', metadata: { ...metadata, annotations: { 'kcp.io/cluster': 'root' } }, ...(cluster === undefined ? {} : { spec: { cluster } }) }; // prettier-ignore
}

describe('the cache', () => {
  test('gives a watcher each change once, in order, and resumes after the last one seen', () => {
    const cache = new WorkspaceCache();
    const feed = cache.feed('root');
    feed.listed([workspace('a', 1)], '5');
    feed.changed('ADDED', workspace('b', 6));
    feed.changed('MODIFIED', workspace('a', 7));
    feed.changed('DELETED', workspace('b', 8));
    const changesSince = (version: number) =>
      cache.since(version)?.map(({ type, object }) => `${type} ${object.metadata.name}`);
    expect(changesSince(5)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b']);
    expect(changesSince(6)).toEqual(['MODIFIED a', 'DELETED b']);
    expect(changesSince(8)).toEqual([]);
    expect(cache.list().map(({ metadata }) => metadata.name)).toEqual(['a']);
  });

  test('does not lose a change that arrives after a newer one of another workspace', () => {
    const cache = new WorkspaceCache();
    cache.feed('one').changed('ADDED', workspace('late', 20));
    cache.feed('two').changed('ADDED', workspace('early', 19));
    expect(cache.since(20)?.map(({ object }) => object.metadata.name)).toEqual(['early']);
  });

  test('tells a watcher that it comes too late', () => {
    const cache = new WorkspaceCache(2);
    for (let version = 1; version <= 5; version++)
      cache.feed('root').changed('ADDED', workspace(`w${version}`, version));
    expect(cache.since(1)).toBeUndefined();
    expect(cache.since(4)).toHaveLength(1);
  });

  test('ignores news that is older than what it has, and drops what a new list lacks', () => {
    const cache = new WorkspaceCache();
    const feed = cache.feed('root');
    feed.changed('ADDED', workspace('a', 9));
    feed.listed([workspace('a', 3), workspace('b', 4)], '9');
    expect(cache.get('root', 'a')?.metadata.resourceVersion).toBe('9');
    feed.listed([workspace('a', 9)], '10');
    expect(cache.get('root', 'b')).toBeUndefined();
  });

  test('finds the Workspace of a logical cluster until it is gone', () => {
    const cache = new WorkspaceCache();
    cache.feed('root').changed('ADDED', workspace('a', 1, 'abc'));
    expect(cache.ownerOf('abc')?.metadata.name).toBe('a');
    cache.feed('root').changed('DELETED', workspace('a', 2, 'abc'));
    expect(cache.ownerOf('abc')).toBeUndefined();
  });
});

describe('a page', () => {
  const items = ['a', 'b', 'c', 'd', 'e'].map((name, index) => workspace(name, index));

  test('continues where the one before ended, with the version of the first', () => {
    const first = pageOf(items, new URLSearchParams('limit=2'), 7);
    expect(first?.metadata).toMatchObject({ remainingItemCount: 3, resourceVersion: '7' });
    const query = new URLSearchParams({ limit: '3', continue: first?.metadata.continue ?? '' });
    const second = pageOf(items, query, 99);
    expect(second?.items.map(({ metadata }) => metadata.name)).toEqual(['c', 'd', 'e']);
    expect(second?.metadata).toEqual({ continue: '', resourceVersion: '7' });
  });

  test('is refused for a token that nobody gave out', () => {
    expect(pageOf(items, new URLSearchParams('continue=xyz'), 7)).toBeUndefined();
  });
});

test.each([
  ['', true],
  ['a=1', true],
  ['a==1,b', true],
  ['a!=1', false],
  ['!b', false],
  ['!c,a=1', true],
  ['c', false],
])('label selector %p on {a: 1, b: 2} is %p', (selector, expected) => {
  expect(labelMatcher(selector)({ metadata: { labels: { a: '1', b: '2' } } })).toBe(expected);
});
