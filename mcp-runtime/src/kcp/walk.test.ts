import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clusterAt, createModelKcp, homePath } from '../testing/model-kcp.ts';
import type { ModelKcp, ModelOptions, ModelWorkspace } from '../testing/model-kcp.ts';
import { randomTree } from '../testing/random-tree.ts';
import { KcpTooLargeError } from './errors.ts';
import { homeClusterOf, userNameIn } from './home.ts';
import { walk } from './walk.ts';
import type { SurveyOptions } from './survey.ts';
import type { Walk } from './workspace.ts';

const ALICE = 'alice@example.com';
const HOME = homePath(ALICE);

const open = (path: string, more: Partial<ModelWorkspace> = {}): ModelWorkspace => ({ path, open: true, ...more });
const closed = (path: string): ModelWorkspace => ({ path, open: false });

function model(workspaces: readonly ModelWorkspace[], options: Partial<ModelOptions> = {}): ModelKcp {
  return createModelKcp({ workspaces, ...options });
}

function walkOf(kcp: ModelKcp, options: Partial<SurveyOptions> = {}): Promise<Walk> {
  const { signal } = new AbortController();
  return walk(kcp, { root: 'root', token: 'token-of-alice', signal, deadlineMs: 10_000, ...options });
}

const paths = (workspaces: Walk['enterable']) => workspaces.map(({ path }) => path);
const many = (count: number, parent = 'root') =>
  Array.from({ length: count }, (_, index) => `${parent}:w${String(index).padStart(4, '0')}`);

describe('a walk', () => {
  test('of workspaces that are open takes one request for each', async () => {
    const kcp = model([open('root'), ...many(300).map((path) => open(path))]);
    const found = await walkOf(kcp);
    expect(found.enterable).toHaveLength(301);
    // And two about the home workspace.
    expect(kcp.seen).toHaveLength(303);
  });

  test('of workspaces that are closed soon takes one for each, too', async () => {
    const kcp = model([open('root'), ...many(300).map(closed)]);
    const found = await walkOf(kcp);
    expect(found.visible).toHaveLength(300);
    // The 16 that were asked before the first answer took two.
    expect(kcp.seen.length).toBeLessThanOrEqual(303 + 16);
  });

  test('goes by what an earlier one found', async () => {
    const mixed = many(300).map((path, index) => ({ path, open: index % 3 === 0 }));
    const kcp = model([open('root'), ...mixed]);
    const earlier = await walkOf(kcp);
    kcp.seen.length = 0;
    expect(await walkOf(kcp, { earlier })).toEqual(earlier);
    // The caller's name is known, too.
    expect(kcp.seen).toHaveLength(302);
  });

  test('lists children while more pages of their siblings come', async () => {
    const pages: number[] = [];
    const kcp = model([open('root'), ...many(60).map((path) => open(path))], {
      page: 20,
      before: ({ workspace, query }) => {
        if (workspace === 'root' && query?.['continue'] !== undefined) pages.push(kcp.seen.length);
      },
    });
    expect((await walkOf(kcp)).enterable).toHaveLength(61);
    // The second page isn't asked for after all children of the first, nor the third after those of the second.
    expect(pages).toHaveLength(2);
    expect(pages[0]).toBeLessThan(20);
    expect(pages[1]).toBeLessThan(40);
  });

  test('asks kcp for what it has at hand, and for pages where that is too much', async () => {
    const tooMuch = { workspace: 'root', path: '', host: 'model', target: undefined };
    const kcp = model([open('root'), ...many(20).map((path) => open(path))], {
      page: 15,
      before: ({ workspace, query }) => {
        if (workspace === 'root' && query?.['resourceVersion'] === '0') throw new KcpTooLargeError('4096 KiB', tooMuch);
      },
    });
    expect((await walkOf(kcp)).enterable).toHaveLength(21);
    const lists = kcp.requests.filter(({ path }) => path.endsWith('/workspaces'));
    expect(lists.filter(({ workspace }) => workspace === 'root').map(({ query }) => query)).toEqual([
      { limit: 500, resourceVersion: '0' },
      { limit: 500 },
      { limit: 500, continue: '15' },
    ]);
    const others = lists.filter(({ workspace }) => workspace !== 'root');
    expect(new Set(others.map(({ query }) => query?.['resourceVersion']))).toEqual(new Set(['0']));
  });

  test('reads a page with very large objects in smaller ones', async () => {
    const kcp = model([open('root'), ...many(20).map((path) => open(path))], {
      before: ({ workspace, path, query, target }) => {
        if (workspace === 'root' && Number(query?.['limit']) > 8) {
          throw new KcpTooLargeError('4096 KiB', { host: 'model', workspace, path, target });
        }
      },
    });
    const found = await walkOf(kcp);
    expect(found.enterable).toHaveLength(21);
    expect(found.gaps).toEqual([]);
  });

  test('a workspace that the caller may enter, but not list, is enterable with a gap', async () => {
    const kcp = model([open('root'), open('root:a', { lists: false }), open('root:a:b'), open('root:c')]);
    const found = await walkOf(kcp);
    expect(paths(found.enterable)).toEqual(['root', 'root:a', 'root:c']);
    expect(found.gaps).toMatchObject([
      {
        workspace: 'root:a',
        reason: expect.stringMatching(/^could not list its workspaces: 403/) as unknown,
        transient: false,
      },
    ]);
  });

  test('one that serves no Workspaces has none below, which is no gap', async () => {
    const found = await walkOf(model([open('root'), open('root:a', { bare: true })]));
    expect(paths(found.enterable)).toEqual(['root', 'root:a']);
    expect(found.gaps).toEqual([]);
  });

  test('a mounted workspace is asked by its path, and what it lists is not taken for workspaces of kcp', async () => {
    const kcp = model([open('root'), open('root:edge', { mounted: true }), open('root:edge:x'), open('root:z')]);
    const found = await walkOf(kcp);
    expect(paths(found.enterable)).toEqual(['root', 'root:edge', 'root:z']);
    expect(found.enterable[1]).toMatchObject({ mounted: true, cluster: undefined });
    expect(kcp.seen.filter((what) => what.endsWith('root:edge'))).toEqual(['enter root:edge']);
  });

  test('a mount whose server is away does not shorten the time that the rest is good for', async () => {
    const kcp = model([open('root'), { path: 'root:edge', open: true, mounted: true, fails: 503 }]);
    expect((await walkOf(kcp)).gaps).toMatchObject([{ workspace: 'root:edge', transient: false }]);
  });

  test('a workspace that has no logical cluster yet is visible', async () => {
    const found = await walkOf(model([open('root'), { path: 'root:new', open: false, scheduled: false }]));
    expect(paths(found.visible)).toEqual(['root:new']);
  });

  test('goes round no circle', async () => {
    const kcp = model([open('root'), open('root:a'), open('root:a:b')]);
    const { request } = kcp;
    kcp.request = async (asked) => {
      const answer = await request(asked);
      // b claims to be a again.
      return asked.workspace === clusterAt('root:a:b')
        ? { items: [{ metadata: { name: 'a' }, spec: { cluster: clusterAt('root:a') } }] }
        : answer;
    };
    expect(paths((await walkOf(kcp)).enterable)).toEqual(['root', 'root:a', 'root:a:b']);
  });

  test('a token that is rejected while more pages come fails it, and nothing else', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const hold = Promise.withResolvers<undefined>();
    const kcp = model([open('root'), { path: 'root:a', open: true, fails: 401 }, open('root:b')], {
      page: 1,
      before: ({ query }) => (query?.['continue'] === undefined ? undefined : hold.promise),
    });
    const failed = walkOf(kcp).catch((error: unknown) => error);
    // Node.js looks for rejections that nobody handles after each turn of the event loop.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    hold.resolve(undefined);
    expect(await failed).toMatchObject({ status: 401 });
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('leaves connections to others when several go on', async () => {
    let now = 0;
    let most = 0;
    const shared = { running: 0 };
    const limit = async <T>(task: () => Promise<T>): Promise<T> => {
      shared.running += 1;
      try {
        return await task();
      } finally {
        shared.running -= 1;
      }
    };
    const kcp = model([open('root'), ...many(100).map((path) => open(path))], {
      before: async () => {
        most = Math.max(most, (now += 1));
        expect(shared.running).toBeGreaterThanOrEqual(now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
      },
    });
    await Promise.all([walkOf(kcp, { shared: limit }), walkOf(kcp, { shared: limit })]);
    expect(most).toBeGreaterThan(16);
    expect(most).toBeLessThanOrEqual(32);
  });
});

describe('the home workspace', () => {
  test.each([
    ['alice', 'v1u4alow0iv9'],
    ['bob', '2okdry95y5lkv'],
    ['user:with:colons', '2bqfj6xlthg3t'],
    // Its hash begins with a zero byte.
    ['user172', '0f9mt7goyif7'],
  ])('of %s has the id that kcp gives it', (user, id) => {
    expect(homeClusterOf(user)).toBe(id);
  });

  test.each([
    ['forbidden: User "alice@example.com" cannot get path "/version": access denied', 'alice@example.com'],
    ['x is forbidden: User "a\\"b\\\\c" cannot list resource "x"', 'a"b\\c'],
    ['no name here', undefined],
    ['User "a\\x00" cannot get path', undefined],
  ])('a refusal names the caller: %s', (message, name) => {
    expect(userNameIn(message)).toBe(name);
  });

  test('is found with what is below it, though no list shows it', async () => {
    const kcp = model([open('root'), open('root:a'), open(HOME), open(`${HOME}:mine`), closed(`${HOME}:shut`)]);
    const found = await walkOf(kcp);
    expect(found.enterable).toMatchObject([
      { path: HOME, cluster: HOME, type: 'root:home' },
      { path: `${HOME}:mine`, cluster: clusterAt(`${HOME}:mine`), type: 'root:universal' },
      { path: 'root' },
      { path: 'root:a' },
    ]);
    expect(paths(found.visible)).toEqual([`${HOME}:shut`]);
    expect(found.user).toBe(ALICE);
  });

  test('is never made: whoever has none is not shown one', async () => {
    const kcp = model([open('root')]);
    const found = await walkOf(kcp);
    expect(paths(found.enterable)).toEqual(['root']);
    expect(found.visible).toEqual([]);
    expect(found.gaps).toEqual([]);
    expect(kcp.requests.map(({ path }) => path)).not.toContainEqual(expect.stringContaining('~'));
    expect(new Set(kcp.requests.map(({ method = 'GET', path }) => `${method} ${path}`))).toEqual(
      new Set([
        'GET /version',
        'GET /apis/tenancy.kcp.io/v1alpha1/workspaces',
        'POST /apis/authentication.k8s.io/v1/selfsubjectreviews',
      ]),
    );
  });

  test('is found also by one who may not enter the start: the refusal says who asks', async () => {
    const found = await walkOf(model([closed('root'), open(HOME)]));
    expect(paths(found.enterable)).toEqual([HOME]);
    expect(paths(found.visible)).toEqual(['root']);
  });

  test('trouble with it is a gap', async () => {
    const found = await walkOf(model([open('root'), { path: HOME, open: true, fails: 500 }]));
    expect(found.gaps).toEqual([
      { workspace: 'root', reason: `could not look for a home workspace: 500: trouble in ${HOME}`, transient: true },
    ]);
  });
});

describe('whatever the tree and the rights', () => {
  test('a walk finds exactly what can be reached, with the caller’s token, in the order of the tree', async () => {
    await fc.assert(
      fc.asyncProperty(randomTree({ home: HOME }), fc.integer({ min: 1, max: 5 }), async (workspaces, page) => {
        const kcp = model(workspaces, { page });
        const found = await walkOf(kcp);
        const expected = reachable(workspaces);
        expect(paths(found.enterable)).toEqual(expected.enterable);
        expect(paths(found.visible)).toEqual(expected.visible);
        expect(new Set(kcp.requests.map(({ token }) => token))).toEqual(new Set(['token-of-alice']));
        // One that knows an earlier one finds the same.
        expect(await walkOf(kcp, { earlier: found })).toEqual(found);
      }),
      { numRuns: 200 },
    );
  });
});

/** What a walk is to find, told from the model. */
function reachable(workspaces: readonly ModelWorkspace[]) {
  const byPath = new Map(workspaces.map((each) => [each.path, each]));
  const listed = ({ path }: ModelWorkspace): boolean => {
    const colon = path.lastIndexOf(':');
    if (colon === -1) return true;
    const parent = byPath.get(path.slice(0, colon));
    return (
      parent?.open === true &&
      parent.lists !== false &&
      parent.mounted !== true &&
      parent.bare !== true &&
      listed(parent)
    );
  };
  const inOrder = (some: readonly ModelWorkspace[]) =>
    some.map(({ path }) => path).sort((a, b) => (a.replaceAll(':', '\0') < b.replaceAll(':', '\0') ? -1 : 1));
  const found = workspaces.filter(listed);
  return {
    enterable: inOrder(found.filter((each) => each.open && each.scheduled !== false)),
    visible: inOrder(found.filter((each) => !(each.open && each.scheduled !== false) && each.path !== HOME)),
  };
}
