import { describe, expect, test } from '@jest/globals';
import { createPrincipal } from '../auth/principal.ts';
import { createModelKcp } from '../testing/model-kcp.ts';
import type { ModelKcp, ModelWorkspace } from '../testing/model-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import { createInventory } from './inventory.ts';
import type { CallerWorkspaces, Inventory, InventorySample } from './inventory.ts';
import type { Workspace } from './workspace.ts';

// The inventory over an index that the test holds; how an index is made and kept is in workspace-index.test.ts.

const TREE: ModelWorkspace[] = [
  { path: 'root', open: true, lists: false },
  { path: 'root:acme', open: false },
  { path: 'root:acme:team-a', open: true },
];
const alice = principalOf('alice');

interface SetUp {
  readonly kcp: ModelKcp;
  readonly time: { now: number };
  readonly index: { trouble: string | undefined };
  readonly inventory: Inventory;
  readonly samples: InventorySample[];
}

function setUp(workspaces: readonly ModelWorkspace[] = TREE): SetUp {
  const kcp = createModelKcp({ workspaces });
  const time = { now: 1_000_000 };
  const index = { trouble: undefined as string | undefined };
  const samples: InventorySample[] = [];
  let tree: readonly Workspace[] | undefined;
  const inventory = createInventory({
    kcp,
    root: 'root',
    maxAgeMs: 30_000,
    clock: () => time.now,
    index: {
      problem: () => index.trouble,
      workspaces: () => (tree ??= kcp.index),
      reload: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    },
    observe: (sample) => samples.push(sample),
  });
  return { kcp, time, index, inventory, samples };
}

const paths = ({ enterable }: CallerWorkspaces) => enterable.map(({ path }) => path);

describe('with an index', () => {
  test('a caller finds what no walk reaches, and nothing that is closed', async () => {
    const { inventory, samples } = setUp();
    const found = await inventory.get(alice);
    expect(paths(found)).toEqual(['root', 'root:acme:team-a']);
    expect(found).toMatchObject({ source: 'index', visible: [], gaps: [], asOf: 1_000_000 });
    expect(found).not.toHaveProperty('fallback');
    expect(samples).toEqual([{ source: 'index', cause: 'call', result: 'complete' }]);
  });

  test('a burst asks once, and what was found is kept', async () => {
    const { kcp, time, inventory } = setUp();
    const [first] = await Promise.all(Array.from({ length: 20 }, () => inventory.get(alice)));
    const asked = kcp.seen.length;
    expect(asked).toBe(5);
    time.now += 19_999;
    expect(await inventory.get(alice)).toBe(first);
    expect(kcp.seen).toHaveLength(asked);
  });

  test('without a usable index: what a walk finds, and why', async () => {
    const { index, inventory } = setUp();
    index.trouble = 'it is being loaded';
    const found = await inventory.get(alice);
    expect(paths(found)).toEqual(['root']);
    expect(found).toMatchObject({ source: 'caller', fallback: 'it is being loaded' });
    expect(found.gaps).toMatchObject([{ workspace: 'root' }]);
    index.trouble = undefined;
    // Not only when the walk has grown old.
    expect(await inventory.get(alice)).toMatchObject({ source: 'index' });
  });

  test('what was found by it is good for its time, also when it fails meanwhile', async () => {
    const { time, index, inventory } = setUp();
    const found = await inventory.get(alice);
    index.trouble = 'a shard is away';
    expect(await inventory.get(alice)).toBe(found);
    time.now += 30_000;
    expect(await inventory.get(alice)).toMatchObject({ source: 'caller', fallback: 'a shard is away' });
  });

  test('a 403 drops it, and so does a change of the caller’s own', async () => {
    const { kcp, time, inventory } = setUp();
    await inventory.get(alice);
    time.now += 2_000;
    kcp.workspaces = TREE.map((each) => ({ ...each, open: each.path === 'root' }));
    inventory.refused(alice, 'root:acme:team-a');
    expect(paths(await inventory.get(alice))).toEqual(['root']);
    kcp.workspaces = TREE;
    inventory.forget(alice);
    expect(paths(await inventory.get(alice))).toEqual(['root', 'root:acme:team-a']);
  });

  test('is refreshed in the background', async () => {
    const { time, inventory, samples } = setUp();
    await inventory.get(alice);
    time.now += 20_000;
    await inventory.get(alice);
    await new Promise((resolve) => setImmediate(resolve));
    expect(samples.at(-1)).toEqual({ source: 'index', cause: 'background', result: 'complete' });
    time.now += 10_000;
    expect(await inventory.get(alice)).toMatchObject({ asOf: 1_020_000 });
  });

  test('hundreds of callers with a thousand workspaces each are kept: they share what the index holds', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => ({ path: `root:w${n}`, open: true }));
    const { kcp, inventory } = setUp([{ path: 'root', open: true }, ...many]);
    kcp.request = () => Promise.resolve({});
    const callers = Array.from({ length: 200 }, (_, n) =>
      createPrincipal({ ...alice, token: 't', claimsHash: `c${n}` }),
    );
    const found = new Map<string, CallerWorkspaces>();
    for (const caller of callers) found.set(caller.claimsHash, await inventory.get(caller));
    for (const caller of callers) expect(await inventory.get(caller)).toBe(found.get(caller.claimsHash));
    const [one, other] = [...found.values()];
    expect(one?.enterable[500]).toBe(other?.enterable[500]);
  });
});
