import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startFakeKcp, status } from '../testing/fake-kcp.ts';
import type { FakeKcp, Handler } from '../testing/fake-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import { createKcpClient } from './client.ts';
import type { KcpClient } from './client.ts';
import { createInventory } from './inventory.ts';
import type { CallerWorkspaces, InventoryOptions } from './inventory.ts';

let fake: FakeKcp;
let kcp: KcpClient;
beforeAll(async () => {
  fake = await startFakeKcp();
  kcp = createKcpClient({ kubeconfig: fake.kubeconfig });
});
afterEach(() => {
  // A request that its test gave up may still be on its way.
  fake.dropConnections();
  fake.reset();
});
afterAll(async () => {
  await kcp.close();
  await fake.stop();
});

const alice = principalOf('alice');
const time = { now: Date.parse('2026-11-22T20:00:00Z') };

function inventory(options: Partial<InventoryOptions> = {}) {
  return createInventory({ kcp, root: 'root', maxAgeMs: 30_000, clock: () => time.now, ...options });
}

const paths = ({ enterable }: CallerWorkspaces) => enterable.map(({ path }) => path);
const urls = () =>
  fake.seen.map(({ url }) => url.replace('/clusters/', '').replace('/apis/tenancy.kcp.io/v1alpha1', ''));

/** A synthetic tree: children by parent, each its own id `id-<path>`; everybody may enter all of it. */
function tree(children: Record<string, string[]>, { page = Infinity } = {}): Handler {
  const places = Object.entries(children).flatMap(([parent, names]) => names.map((name) => `${parent}:${name}`));
  return ({ workspace, path, query }) => {
    const place = workspace.replace(/^id-/, '').replaceAll('--', ':');
    if (place !== 'root' && !places.includes(place))
      return status(403, `forbidden: User "x" cannot get path "${path}": access denied`);
    if (path === '/version') return { body: { major: '1' } };
    if (!path.endsWith('/workspaces')) return undefined;
    const all = children[place] ?? [];
    const start = Number(query.get('continue') ?? 0);
    const end = start + Math.min(page, Number(query.get('limit')));
    const items = all.slice(start, end).map((name) => ({
      metadata: { name },
      spec: { cluster: `id-${place.replaceAll(':', '--')}--${name}`, type: { name: 'universal', path: 'root' } },
      status: { phase: 'Ready' },
    }));
    return { body: { items, metadata: end < all.length ? { continue: String(end) } : {} } };
  };
}

describe('createInventory', () => {
  test("finds what the caller's token opens, and what is only visible", async () => {
    const found = await inventory().get(alice);
    expect(found).toEqual({
      asOf: time.now,
      tookMs: 0,
      source: 'caller',
      root: 'root',
      user: 'alice@example.com',
      enterable: [
        { path: 'root', name: 'root' },
        { path: 'root:acme', name: 'acme', cluster: 'iw6o8ima302q41ln', type: 'root:universal', phase: 'Ready' },
        {
          path: 'root:acme:team-a',
          name: 'team-a',
          cluster: '33li30yc136z2lca',
          type: 'root:universal',
          phase: 'Ready',
        },
      ],
      visible: [
        {
          path: 'root:acme:team-b',
          name: 'team-b',
          cluster: '68u34s03mj8utriz',
          type: 'root:universal',
          phase: 'Ready',
        },
        { path: 'root:globex', name: 'globex', cluster: '202ua67tyf20a5ht', type: 'root:universal', phase: 'Ready' },
        { path: 'root:load', name: 'load', cluster: '1tsv2q4mq2ypqstm', type: 'root:universal', phase: 'Ready' },
      ],
      gaps: [],
    });
    expect(new Set(fake.seen.map(({ user }) => user))).toEqual(new Set(['alice']));
    expect(urls().sort()).toEqual(
      [
        'root/apis/authentication.k8s.io/v1/selfsubjectreviews',
        // Her home workspace, which she doesn't have.
        '8lzxt8ta0j0c/version',
        // A list is proof enough of what is open,
        'root/workspaces?limit=500&resourceVersion=0',
        'iw6o8ima302q41ln/workspaces?limit=500&resourceVersion=0',
        '33li30yc136z2lca/workspaces?limit=500&resourceVersion=0',
        // not of what is closed.
        '68u34s03mj8utriz/workspaces?limit=500&resourceVersion=0',
        '68u34s03mj8utriz/version',
        '202ua67tyf20a5ht/workspaces?limit=500&resourceVersion=0',
        '202ua67tyf20a5ht/version',
        '1tsv2q4mq2ypqstm/workspaces?limit=500&resourceVersion=0',
        '1tsv2q4mq2ypqstm/version',
      ].sort(),
    );
  });

  test('bob sees his own', async () => {
    expect(paths(await inventory().get(principalOf('bob')))).toEqual(['root', 'root:globex']);
  });

  test('is kept for its age per caller, and loaded once for calls at the same time', async () => {
    const kept = inventory();
    const [first] = await Promise.all([kept.get(alice), kept.get(alice), kept.get(alice)]);
    expect(fake.seen).toHaveLength(11);
    time.now += 19_999;
    // The very object, so that what is made of it can be kept beside it.
    expect(await kept.get(alice)).toBe(first);
    expect(fake.seen).toHaveLength(11);
    await kept.get(principalOf('bob'));
    expect(fake.seen.length).toBeGreaterThan(9);
    const before = fake.seen.length;
    time.now += 10_001;
    expect((await kept.get(alice)).asOf).toBe(time.now);
    expect(fake.seen).toHaveLength(before + 11);
  });

  test('order is that of the tree: a parent, all below it, then its next sibling', async () => {
    fake.handlers.push(tree({ root: ['b', 'a-1', 'a', 'a0'], 'root:a': ['z', 'c'] }));
    expect(paths(await inventory().get(alice))).toEqual([
      'root',
      'root:a',
      'root:a:c',
      'root:a:z',
      'root:a-1',
      'root:a0',
      'root:b',
    ]);
  });

  test('follows long lists to their end', async () => {
    const many = Array.from({ length: 25 }, (_, index) => `w${String(index).padStart(2, '0')}`);
    fake.handlers.push(tree({ root: many }, { page: 10 }));
    const found = await inventory().get(alice);
    expect(paths(found)).toHaveLength(26);
    expect(urls().filter((url) => url.startsWith('root/workspaces'))).toEqual([
      'root/workspaces?limit=500&resourceVersion=0',
      'root/workspaces?limit=500&continue=10',
      'root/workspaces?limit=500&continue=20',
    ]);
  });

  test('asks kcp at most 16 things at a time', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `w${index}`);
    const answer = tree({ root: many });
    let now = 0;
    let most = 0;
    fake.handlers.push(async (request) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return answer(request);
    });
    expect(paths(await inventory().get(alice))).toHaveLength(101);
    expect(most).toBeGreaterThan(4);
    expect(most).toBeLessThanOrEqual(16);
  });

  test('a workspace without an id (mounted, or not scheduled yet) is asked by its path', async () => {
    fake.handlers.push(({ workspace, path }) => {
      if (workspace === 'root' && path.endsWith('/workspaces')) {
        return { body: { items: [{ metadata: { name: 'edge' }, spec: { mount: {} }, status: { phase: 'Ready' } }] } };
      }
      return workspace === 'root:edge' ? { body: { items: [] } } : undefined;
    });
    expect(paths(await inventory().get(alice))).toEqual(['root', 'root:edge']);
    expect(urls()).toContain('root:edge/version');
  });

  test('names that are no workspace names are left out, wherever they come from', async () => {
    const items = ['../x', 'A', 'a:b', '', 7, null].map((name) => ({ metadata: { name }, spec: { cluster: '*' } }));
    items.push({ metadata: { name: 'ok' }, spec: { cluster: '../../api' } });
    fake.handlers.push(({ workspace, path }) => {
      if (!path.endsWith('/workspaces')) return { body: {} };
      return { body: { items: workspace === 'root' ? items : [] } };
    });
    expect(paths(await inventory().get(alice))).toEqual(['root', 'root:ok']);
    expect(urls()).toContain('root:ok/workspaces?limit=500&resourceVersion=0');
  });

  test('a root that may not be entered is said so, not failed', async () => {
    const found = await inventory().get(principalOf('nobody'));
    expect(found).toMatchObject({ enterable: [], visible: [{ path: 'root' }], gaps: [] });
    expect(fake.seen.map(({ url }) => url.split('/')[2])).toEqual(['root', 'root', 'root', '3h1vnxp3g1oj7']);
  });

  test('says where it could not look, and why; soon asks again where that may pass', async () => {
    const answer = tree({ root: ['a', 'b', 'c'] });
    fake.handlers.push((request) => {
      if (request.workspace === 'id-root--a' && request.path.endsWith('/workspaces')) {
        return status(403, 'workspaces.tenancy.kcp.io is forbidden: access denied');
      }
      if (request.workspace === 'id-root--b') return status(500, 'shard is down');
      return answer(request);
    });
    const kept = inventory();
    const found = await kept.get(alice);
    expect(paths(found)).toEqual(['root', 'root:a', 'root:c']);
    expect(found.gaps).toEqual([
      {
        workspace: 'root:a',
        reason: 'could not list its workspaces: 403: workspaces.tenancy.kcp.io is forbidden: access denied',
        transient: false,
      },
      {
        workspace: 'root:b',
        reason: 'could not find out whether it may be entered: 500: shard is down',
        transient: true,
      },
    ]);
    const before = fake.seen.length;
    time.now += 3_000;
    await kept.get(alice);
    expect(fake.seen.length).toBeGreaterThan(before);
  });

  test('what was found when the time is up is what there is', async () => {
    const answer = tree({ root: ['quick', 'slow'] });
    const hold = Promise.withResolvers<undefined>();
    fake.handlers.push(async (request) => {
      if (request.workspace === 'id-root--slow') await hold.promise;
      return answer(request);
    });
    const found = await inventory({ deadlineMs: 1_000 }).get(alice);
    hold.resolve(undefined);
    expect(paths(found)).toEqual(['root', 'root:quick']);
    expect(found.gaps).toEqual([
      {
        workspace: 'root:slow',
        reason: 'could not find out whether it may be entered: no time left (1 s)',
        transient: true,
      },
    ]);
  });

  test('a token that kcp rejects fails the walk', async () => {
    const answer = tree({ root: ['a', 'b'] });
    fake.handlers.push((request) =>
      request.workspace.includes('--b') ? status(401, 'Unauthorized') : answer(request),
    );
    await expect(inventory().get(alice)).rejects.toMatchObject({ status: 401 });
  });

  test('a root that does not answer fails the walk', async () => {
    await expect(inventory({ root: 'root:nope' }).get(alice)).rejects.toMatchObject({ status: 404 });
    const hold = Promise.withResolvers<undefined>();
    fake.handlers.push(async () => {
      await hold.promise;
      return undefined;
    });
    await expect(inventory({ deadlineMs: 30 }).get(alice)).rejects.toMatchObject({ name: 'KcpTimeoutError' });
    hold.resolve(undefined);
  });

  test('the walk ends with the last caller who waits for it', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const hold = Promise.withResolvers<undefined>();
    fake.handlers.push(async () => {
      arrived.resolve(undefined);
      await hold.promise;
      return undefined;
    });
    const abort = new AbortController();
    const waiting = inventory().get(alice, abort.signal);
    await arrived.promise;
    abort.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    hold.resolve(undefined);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('refused', () => {
  test('a 403 drops what is cached', async () => {
    const kept = inventory();
    await kept.get(alice);
    time.now += 2_000;
    kept.refused(alice, 'root:globex');
    await kept.get(alice);
    expect(fake.seen).toHaveLength(22);
  });

  test('one that is only just made stays where it agrees, goes where it says otherwise', async () => {
    const kept = inventory();
    await kept.get(alice);
    kept.refused(alice, 'root:globex');
    kept.refused(alice, 'root:nope');
    await kept.get(alice);
    expect(fake.seen).toHaveLength(11);
    kept.refused(alice, '33li30yc136z2lca');
    await kept.get(alice);
    expect(fake.seen).toHaveLength(22);
  });
});
