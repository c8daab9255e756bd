import { describe, expect, test } from '@jest/globals';
import { createModelKcp } from '../testing/model-kcp.ts';
import type { ModelKcp } from '../testing/model-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import type { Principal } from '../auth/principal.ts';
import { createPrincipal } from '../auth/principal.ts';
import { KcpStatusError } from './errors.ts';
import { createInventory } from './inventory.ts';
import type { CallerWorkspaces, Inventory, InventorySample } from './inventory.ts';

// What goes on behind the callers' backs, on a kcp in memory and a clock that the test holds.

interface SetUp {
  readonly kcp: ModelKcp;
  readonly time: { now: number };
  readonly inventory: Inventory;
  readonly samples: InventorySample[];
  /** Requests are answered only while it is open. */
  readonly gate: { hold(): void; open(): void };
}

const paths = ({ enterable }: CallerWorkspaces) => enterable.map(({ path }) => path);

function setUp(): SetUp {
  const time = { now: 1_000_000 };
  let gate = Promise.resolve();
  let release = () => undefined;
  const kcp = createModelKcp({
    workspaces: ['root', 'root:a', 'root:b'].map((path) => ({ path, open: true })),
    before: () => gate,
  });
  const samples: InventorySample[] = [];
  const inventory = createInventory({
    kcp,
    root: 'root',
    maxAgeMs: 30_000,
    clock: () => time.now,
    observe: (sample) => samples.push(sample),
  });
  return {
    kcp,
    time,
    inventory,
    samples,
    gate: {
      hold: () => {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        gate = promise.then(() => undefined);
        release = () => {
          resolve(undefined);
          return undefined;
        };
      },
      open: () => {
        gate = Promise.resolve();
        release();
      },
    },
  };
}

const alice = principalOf('alice');
/** The same caller with another token. */
const renewed = withToken('a-newer-token', alice.expiresAt);

function withToken(token: string, expiresAt: number): Principal {
  return createPrincipal({ ...alice, token, expiresAt });
}

/** Until nothing happens any more: the model answers at once. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('in the background', () => {
  test('what is used late in its time is refreshed, so that a caller who comes again does not wait', async () => {
    const { kcp, time, inventory, samples } = setUp();
    await inventory.get(alice);
    const first = kcp.seen.length;
    kcp.workspaces = [...kcp.workspaces, { path: 'root:c', open: true }];
    time.now += 20_000;
    expect(paths(await inventory.get(alice))).toEqual(['root', 'root:a', 'root:b']);
    await settle();
    expect(kcp.seen.length).toBeGreaterThan(first);
    const refreshed = kcp.seen.length;
    time.now += 10_000;
    const found = await inventory.get(alice);
    expect(paths(found)).toEqual(['root', 'root:a', 'root:b', 'root:c']);
    expect(found.asOf).toBe(1_020_000);
    expect(kcp.seen).toHaveLength(refreshed);
    expect(samples).toEqual([
      { source: 'caller', cause: 'call', result: 'complete' },
      { source: 'caller', cause: 'background', result: 'complete' },
    ]);
  });

  test('one that nobody uses is not', async () => {
    const { kcp, time, inventory } = setUp();
    await inventory.get(alice);
    const first = kcp.seen.length;
    time.now += 29_999;
    await settle();
    expect(kcp.seen).toHaveLength(first);
  });

  test('it is the token of the caller who used it last that is sent', async () => {
    const { kcp, time, inventory } = setUp();
    await inventory.get(alice);
    const first = kcp.requests.length;
    time.now += 20_000;
    await inventory.get(renewed);
    await settle();
    expect(new Set(kcp.requests.slice(first).map(({ token }) => token))).toEqual(new Set(['a-newer-token']));
  });

  test('a burst of uses makes one', async () => {
    const { kcp, time, inventory } = setUp();
    await inventory.get(alice);
    const first = kcp.seen.length;
    time.now += 20_000;
    await Promise.all(Array.from({ length: 50 }, () => inventory.get(alice)));
    await settle();
    // The name is known by then.
    expect(kcp.seen).toHaveLength(2 * first - 1);
  });

  test('it ends when the token does', async () => {
    const { kcp, time, inventory, gate, samples } = setUp();
    await inventory.get(alice);
    time.now += 20_000;
    gate.hold();
    await inventory.get(withToken('short', (time.now + 20) / 1_000));
    const signal = kcp.requests.at(-1)?.signal;
    await new Promise((resolve) => {
      if (signal?.aborted === true) resolve(undefined);
      signal?.addEventListener('abort', resolve);
    });
    gate.open();
    await settle();
    expect(samples.at(-1)).toEqual({ source: 'caller', cause: 'background', result: 'failed' });
    expect(paths(await inventory.get(alice))).toHaveLength(3);
  });

  test('an expired token is not used at all', async () => {
    const { kcp, time, inventory } = setUp();
    await inventory.get(alice);
    const first = kcp.seen.length;
    time.now += 20_000;
    await inventory.get(withToken('expired', time.now / 1_000));
    await settle();
    expect(kcp.seen).toHaveLength(first);
  });

  test('it ends with the process', async () => {
    const { kcp, time, inventory, gate } = setUp();
    await inventory.get(alice);
    time.now += 20_000;
    gate.hold();
    await inventory.get(alice);
    inventory.close();
    expect(kcp.requests.at(-1)?.signal?.aborted).toBe(true);
    gate.open();
  });

  test('a failure leaves what is there until its time', async () => {
    const { kcp, time, inventory } = setUp();
    const first = await inventory.get(alice);
    const { request } = kcp;
    kcp.request = ({ workspace, path, target }) =>
      Promise.reject(new KcpStatusError(500, undefined, { host: 'kcp', workspace, path, target }));
    time.now += 20_000;
    await inventory.get(alice);
    await settle();
    time.now += 9_999;
    expect(await inventory.get(alice)).toBe(first);
    kcp.request = request;
    time.now += 1;
    expect((await inventory.get(alice)).asOf).toBe(time.now);
  });

  test('a 403 to the caller discards one that goes on', async () => {
    const { kcp, time, inventory, gate } = setUp();
    await inventory.get(alice);
    time.now += 20_000;
    gate.hold();
    await inventory.get(alice);
    const begun = kcp.requests.at(-1);
    kcp.workspaces = kcp.workspaces.map((each) => (each.path === 'root:b' ? { ...each, open: false } : each));
    inventory.refused(alice, 'root:b');
    expect(begun?.signal?.aborted).toBe(true);
    gate.open();
    await settle();
    expect(paths(await inventory.get(alice))).toEqual(['root', 'root:a']);
  });
});

describe('forget', () => {
  test('makes the next answer a new one', async () => {
    const { kcp, inventory } = setUp();
    await inventory.get(alice);
    kcp.workspaces = [...kcp.workspaces, { path: 'root:c', open: true }];
    inventory.forget(alice);
    expect(paths(await inventory.get(alice))).toContain('root:c');
  });

  test('of what kcp has stored, not of what its caches have', async () => {
    const { kcp, time, inventory } = setUp();
    const versions = () => new Set(kcp.requests.splice(0).map(({ query }) => query?.['resourceVersion']));
    await inventory.get(alice);
    expect(versions()).toContain('0');
    inventory.forget(alice);
    await inventory.get(alice);
    expect(versions()).toEqual(new Set([undefined]));
    time.now += 30_000;
    await inventory.get(alice);
    expect(versions()).toContain('0');
  });
});

describe('an answer with gaps', () => {
  test('is good for a moment only, longer the longer it took', async () => {
    const { kcp, time, inventory } = setUp();
    kcp.workspaces = kcp.workspaces.map((each) => (each.path === 'root:b' ? { ...each, fails: 500 } : each));
    const quick = await inventory.get(alice);
    time.now += 1_999;
    expect(await inventory.get(alice)).toBe(quick);
    time.now += 1_001;
    const { request } = kcp;
    kcp.request = (asked) => {
      time.now += 200;
      return request(asked);
    };
    const slow = await inventory.get(alice);
    expect(slow).not.toBe(quick);
    kcp.request = request;
    time.now = slow.asOf + 10 * slow.tookMs - 1;
    expect(slow.tookMs).toBeGreaterThan(500);
    expect(await inventory.get(alice)).toBe(slow);
  });
});
