import { describe, expect, test } from '@jest/globals';
import { IndexStore, entryOf } from './index-store.ts';
import type { IndexEntry } from './index-store.ts';

const entry = (parent: string, name: string, more: Partial<IndexEntry> = {}): IndexEntry => ({
  parent,
  name,
  cluster: `${parent}-${name}`,
  type: 'root:universal',
  phase: 'Ready',
  mounted: false,
  ...more,
});
const paths = (store: IndexStore) => store.tree().map(({ path }) => path);

describe('entryOf', () => {
  const object = (metadata: object, spec: object = { cluster: 'c1' }) => ({
    metadata: { name: 'a', annotations: { 'kcp.io/cluster': 'root' }, ...metadata },
    spec,
    status: { phase: 'Ready' },
  });

  test('keeps what makes a path and what is shown, nothing else', () => {
    const whole = object({ managedFields: [{ x: 1 }], labels: { a: 'b' } }, { cluster: 'c1', type: { name: 'team' } });
    expect(entryOf(whole)).toEqual({
      name: 'a',
      parent: 'root',
      cluster: 'c1',
      type: 'team',
      phase: 'Ready',
      mounted: false,
    });
    expect(entryOf(object({}, { mount: { ref: {} } }))).toMatchObject({ cluster: undefined, mounted: true });
  });

  test.each([
    ['no name', object({ name: '' })],
    ['a name that is a path', object({ name: 'a:b' })],
    ['a name that is none', object({ name: '../x' })],
    ['no workspace', object({ annotations: {} })],
    ['no object', null],
  ])('refuses %s', (_, from) => {
    expect(entryOf(from)).toBeUndefined();
  });

  test('a cluster that is no id is none', () => {
    expect(entryOf(object({}, { cluster: '*' }))?.cluster).toBeUndefined();
    expect(entryOf(object({}, { cluster: 'root:a' }))?.cluster).toBeUndefined();
  });
});

describe('the tree of all shards', () => {
  test('joins what lies on different shards, whichever comes first', () => {
    const store = new IndexStore();
    store.replace('two', [entry('root-a', 'c'), entry('root-a', 'b')]);
    expect(paths(store)).toEqual(['root', 'root-a', 'root-a:b', 'root-a:c']);
    store.replace('one', [entry('root', 'a-1'), entry('root', 'a'), entry('root', 'a0')]);
    expect(paths(store)).toEqual(['root', 'root:a', 'root:a:b', 'root:a:c', 'root:a-1', 'root:a0']);
  });

  test('below a cluster that no Workspace stands above: by its id', () => {
    const store = new IndexStore();
    store.replace('one', [entry('root', 'a'), entry('8lzxt8ta0j0c', 'mine')]);
    expect(store.tree()).toMatchObject([
      { path: '8lzxt8ta0j0c', cluster: '8lzxt8ta0j0c', type: undefined },
      { path: '8lzxt8ta0j0c:mine', type: 'root:universal' },
      { path: 'root', cluster: undefined },
      { path: 'root:a' },
    ]);
  });

  test('leaves out what has no address yet, and what claims to lie below a mount', () => {
    const store = new IndexStore();
    store.replace('one', [
      entry('root', 'new', { cluster: undefined }),
      entry('root', 'edge', { cluster: 'edge', mounted: true }),
      entry('edge', 'x'),
    ]);
    expect(paths(store)).toEqual(['root', 'root:edge']);
  });

  test('shows a cluster once, and goes round no circle', () => {
    const store = new IndexStore();
    store.replace('one', [
      entry('root', 'a', { cluster: 'c1' }),
      entry('root', 'b', { cluster: 'c1' }),
      entry('c1', 'x', { cluster: 'c2' }),
      entry('c2', 'y', { cluster: 'c1' }),
    ]);
    expect(paths(store).filter((path) => path.endsWith(':x'))).toHaveLength(1);
  });

  test('is the same array, of the same objects, until something changes that is shown', () => {
    const store = new IndexStore();
    store.replace('one', [entry('root', 'a'), entry('root', 'b')]);
    const before = store.tree();
    store.put('one', entry('root', 'a'));
    expect(store.tree()).toBe(before);
    store.put('one', entry('root', 'b', { phase: 'Deleting' }));
    const after = store.tree();
    expect(after).not.toBe(before);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).toMatchObject({ path: 'root:b', phase: 'Deleting' });
  });

  test('loses what is removed, a list leaves out, or whose shard goes', () => {
    const store = new IndexStore();
    store.replace('one', [entry('root', 'a'), entry('root', 'b')]);
    store.replace('two', [entry('root-a', 'c')]);
    store.remove('one', entry('root', 'b'));
    store.remove('one', entry('root', 'unknown'));
    expect(store.size).toBe(2);
    store.replace('one', [entry('root', 'z')]);
    expect(paths(store)).toEqual(['root', 'root:z', 'root-a', 'root-a:c']);
    store.retain(new Set(['one']));
    expect(paths(store)).toEqual(['root', 'root:z']);
    expect(store.size).toBe(1);
  });

  test('is bounded, and says so until a list fits', () => {
    const store = new IndexStore(2);
    store.replace('one', [entry('root', 'a'), entry('root', 'b')]);
    expect(store.overflowing).toBe(false);
    store.put('one', entry('root', 'c'));
    expect(store.overflowing).toBe(true);
    expect(store.size).toBe(2);
    store.replace('one', [entry('root', 'a')]);
    expect(store.overflowing).toBe(false);
    store.replace('two', [], true);
    expect(store.overflowing).toBe(true);
  });
});
