import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clusterAt, createModelKcp, homePath } from '../testing/model-kcp.ts';
import type { ModelKcp, ModelOptions, ModelWorkspace } from '../testing/model-kcp.ts';
import { randomTree } from '../testing/random-tree.ts';
import { KcpUnreachableError } from './errors.ts';
import { probeIndexed } from './index-probe.ts';
import type { SurveyOptions } from './survey.ts';
import type { Walk } from './workspace.ts';
import { walk } from './walk.ts';

const HOME = homePath('alice@example.com');
const TOKEN = 'token-of-alice';

const open = (path: string, more: Partial<ModelWorkspace> = {}): ModelWorkspace => ({ path, open: true, ...more });
const closed = (path: string): ModelWorkspace => ({ path, open: false });

function model(workspaces: readonly ModelWorkspace[], options: Partial<ModelOptions> = {}): ModelKcp {
  return createModelKcp({ workspaces, ...options });
}

function optionsOf(more: Partial<SurveyOptions> = {}): SurveyOptions {
  return { root: 'root', token: TOKEN, signal: new AbortController().signal, deadlineMs: 10_000, ...more };
}

const probe = (kcp: ModelKcp, more?: Partial<SurveyOptions>) => probeIndexed(kcp, kcp.index, optionsOf(more));
const paths = ({ enterable }: Walk) => enterable.map(({ path }) => path);

describe('probing what an index has', () => {
  test('finds what lies below workspaces that the caller may not list, or not even enter', async () => {
    const kcp = model([
      closed('root'),
      closed('root:acme'),
      open('root:acme:team-a'),
      closed('root:acme:team-b'),
      open('root:globex', { lists: false }),
      open('root:globex:x'),
    ]);
    const found = await probe(kcp);
    expect(paths(found)).toEqual(['root:acme:team-a', 'root:globex', 'root:globex:x']);
    expect(found.enterable[0]).toEqual({
      path: 'root:acme:team-a',
      name: 'team-a',
      cluster: clusterAt('root:acme:team-a'),
      type: 'root:universal',
      phase: 'Ready',
    });
    expect(found).toMatchObject({ visible: [], gaps: [] });
  });

  test('takes one request for each, with the caller’s token, and two about the home workspace', async () => {
    const many = Array.from({ length: 200 }, (_, index) => open(`root:w${index}`));
    const kcp = model([open('root'), ...many]);
    await probe(kcp);
    expect(kcp.seen.filter((what) => what.startsWith('enter'))).toHaveLength(202);
    expect(kcp.seen).toHaveLength(203);
    expect(new Set(kcp.requests.map(({ token }) => token))).toEqual(new Set([TOKEN]));
  });

  test('the caller’s home is shown, whether or not the index knows of workspaces below', async () => {
    const home = { path: HOME, name: HOME, cluster: HOME, type: 'root:home', phase: undefined };
    const bare = await probe(model([open('root'), open(HOME)]));
    expect(bare.enterable).toContainEqual(home);
    const kcp = model([open('root'), open(HOME), open(`${HOME}:mine`)]);
    const found = await probe(kcp);
    expect(paths(found)).toEqual([HOME, `${HOME}:mine`, 'root']);
    expect(found.enterable[0]).toEqual(home);
    expect(kcp.seen.filter((what) => what === `enter ${HOME}`)).toHaveLength(1);
  });

  test('the home of another who let the caller in is found by its id', async () => {
    const bobs = homePath('bob@example.com');
    const found = await probe(model([open('root'), open(bobs), open(`${bobs}:shared`), closed(`${bobs}:own`)]));
    expect(paths(found)).toEqual([bobs, `${bobs}:shared`, 'root']);
  });

  test('begins at the configured workspace', async () => {
    const kcp = model([open('root'), open('root:a'), open('root:a:b'), open('root:a-1'), open('root:c'), open(HOME)]);
    expect(paths(await probe(kcp, { root: 'root:a' }))).toEqual([HOME, 'root:a', 'root:a:b']);
    expect(paths(await probe(kcp, { root: clusterAt('root:a') }))).toEqual([HOME, 'root:a', 'root:a:b']);
    await expect(probe(kcp, { root: 'root:nope' })).rejects.toMatchObject({ status: 404 });
  });

  test('a mounted workspace is asked by its path', async () => {
    const kcp = model([open('root'), open('root:edge', { mounted: true })]);
    expect(paths(await probe(kcp))).toEqual(['root', 'root:edge']);
    expect(kcp.seen).toContain('enter root:edge');
  });

  test('no answer about some is a gap that names none of them, whatever kcp says', async () => {
    const kcp = model([open('root'), open('root:a'), { path: 'root:secret-plan', open: true, fails: 500 }]);
    const found = await probe(kcp);
    expect(paths(found)).toEqual(['root', 'root:a']);
    expect(found.gaps).toEqual([
      {
        workspace: 'root',
        reason: 'could not find out of some workspaces whether they may be entered: kcp answered 500',
        transient: true,
      },
    ]);
  });

  test('a type is told without the workspace that defines it, unless the caller knows of that', async () => {
    const kcp = model([
      open('root'),
      closed('root:secret'),
      closed('root:org'),
      open('root:org:a', { typeFrom: 'root:secret' }),
      open('root:org:b', { typeFrom: 'root:org' }),
      open('root:org:c', { typeFrom: 'root:org:a' }),
    ]);
    expect((await probe(kcp)).enterable.map(({ type }) => type)).toEqual([
      undefined,
      'universal',
      'root:org:universal',
      'root:org:a:universal',
    ]);
  });

  test('a mount whose server is away does not shorten the time that the rest is good for', async () => {
    const kcp = model([open('root'), { path: 'root:edge', open: true, mounted: true, fails: 503 }]);
    expect((await probe(kcp)).gaps).toMatchObject([{ workspace: 'root', transient: false }]);
  });

  test('what was found when the time is up is what there is', async () => {
    const kcp = model([open('root'), open('root:a'), open('root:slow')], {
      before: ({ workspace, signal }) =>
        workspace === clusterAt('root:slow') &&
        new Promise((resolve) => {
          signal?.addEventListener('abort', resolve, { once: true });
        }),
    });
    const found = await probe(kcp, { deadlineMs: 50 });
    expect(paths(found)).toEqual(['root', 'root:a']);
    expect(found.gaps).toMatchObject([
      { workspace: 'root', reason: expect.stringContaining('no time left') as unknown },
    ]);
  });

  test('a token that kcp rejects, or a start that gives no answer, fails it', async () => {
    const rejected = model([open('root'), { path: 'root:a', open: true, fails: 401 }]);
    await expect(probe(rejected)).rejects.toMatchObject({ status: 401 });
    const away = model([open('root')], {
      before: ({ workspace, path, target }) => {
        throw new KcpUnreachableError('ECONNREFUSED', { host: 'kcp', workspace, path, target });
      },
    });
    await expect(probe(away)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('whatever the tree and the rights', () => {
  const trouble = fc.constantFrom(undefined, undefined, undefined, 403, 404, 429, 500, 503);

  test('a caller finds all that may be entered, and learns no name of any other', async () => {
    const trees = randomTree({ home: HOME }).chain((workspaces) =>
      fc.array(trouble, { minLength: workspaces.length, maxLength: workspaces.length }).map((fails) =>
        workspaces.map((each, at): ModelWorkspace => {
          const status = each.path === 'root' ? undefined : fails[at];
          return status === undefined ? each : { ...each, fails: status };
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(trees, async (workspaces) => {
        const kcp = model(workspaces);
        const found = await probe(kcp);
        const enterable = workspaces.filter((each) => each.open && each.fails === undefined).map(({ path }) => path);
        expect([...paths(found)].sort()).toEqual([...enterable].sort());
        // All that a caller could be told of, as text. The names in the path of an open one are its address.
        const told = JSON.stringify(found);
        const addressed = new Set(enterable.flatMap((path) => path.split(':')));
        for (const { path } of workspaces) {
          const name = path.slice(path.lastIndexOf(':') + 1);
          if (!addressed.has(name) && name !== 'root') expect(told).not.toContain(name);
        }
        // Nor the id of one that is closed: an id would be the start of guessing.
        for (const { path } of workspaces) {
          if (!enterable.includes(path) && path.includes(':')) expect(told).not.toContain(clusterAt(path));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('it finds whatever a walk finds', async () => {
    await fc.assert(
      fc.asyncProperty(randomTree({ home: HOME }), async (workspaces) => {
        const kcp = model(workspaces);
        const [indexed, walked] = await Promise.all([probe(kcp), walk(kcp, optionsOf())]);
        expect(paths(indexed)).toEqual(expect.arrayContaining(paths(walked)));
      }),
      { numRuns: 100 },
    );
  });
});
