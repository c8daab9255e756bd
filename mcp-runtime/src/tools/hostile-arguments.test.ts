// Every text argument of every tool, filled with anything: what kcp is asked for is what the argument names, or kcp isn't asked.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseWorkspace } from '../kcp/paths.ts';
import { hostileText } from '../testing/arbitraries.ts';
import { startFakeKcp, status, type FakeKcp } from '../testing/fake-kcp.ts';
import { samplesOf, textArgumentsOf } from '../testing/samples.ts';
import { createBench, type ToolBench } from '../testing/toolset.ts';
import { ALL_TOOLS } from './all.ts';

let fake: FakeKcp;
let bench: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = createBench(fake);
});
afterEach(() => {
  fake.reset();
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

/** What a request to kcp may ask for beside its path. */
const QUERY = new Set(
  ['limit', 'continue', 'labelSelector', 'fieldSelector', 'includeObject', 'dryRun', 'force'].concat([
    'fieldManager',
    'fieldValidation',
    'resourceVersion',
  ]),
);

/** What has to be true of every request, whatever was asked for. */
function expectWellFormed(raw: string): void {
  const { pathname, hash, searchParams } = new URL(raw, 'https://kcp');
  const path = raw.split('?')[0] ?? '';
  expect([pathname, hash]).toEqual([path, '']);
  const [empty, clusters, workspace = '', ...rest] = path.split('/');
  expect([empty, clusters, parseWorkspace(workspace)]).toEqual(['', 'clusters', workspace]);
  for (const segment of rest) {
    const name = decodeURIComponent(segment);
    expect(encodeURIComponent(name)).toBe(segment);
    expect(name).not.toMatch(/^\.{0,2}$|[/%\p{Cc}]/u);
  }
  expect(rest.length).toBeLessThan(9);
  const keys = Array.from(searchParams.keys());
  expect(keys.filter((key) => !QUERY.has(key))).toEqual([]);
  expect(new Set(keys).size).toBe(keys.length);
}

describe('whatever an argument holds, requests stay in the workspace and of their form', () => {
  test.each(ALL_TOOLS.map(({ name }) => name))('%s', async (name) => {
    const tool = bench.toolset.list().find((definition) => definition.name === name);
    if (tool === undefined) throw new Error(`${name} is not listed`);
    for (const argument of textArgumentsOf(tool)) {
      await fc.assert(
        fc.asyncProperty(hostileText, async (text) => {
          fake.seen.length = 0;
          // What waits for a workspace to become ready needn't.
          await bench.call(name, { ...samplesOf(tool), [argument]: text }, 'alice', AbortSignal.timeout(200));
          for (const { url } of fake.seen) expectWellFormed(url);
        }),
        { numRuns: 25 },
      );
    }
  });
});

describe('a name is asked for as it was given, or refused', () => {
  /** Path segments and query of the last request, decoded; undefined where kcp was not asked. */
  async function asked(
    tool: string,
    args: Record<string, unknown>,
  ): Promise<[string[], Record<string, string>] | undefined> {
    // prettier-ignore
    fake.seen.length = 0;
    fake.handlers.length = 0;
    fake.handlers.push(({ path }) =>
      /^\/api\/v1\/.*configmaps/.test(path) ? status(404, 'x', { name: 'x' }) : undefined,
    );
    const { isError, content } = await bench.call(tool, args);
    const last = fake.seen.find(({ url }) => url.includes('/configmaps'))?.url;
    if (last === undefined) {
      expect([isError, content]).toEqual([true, [{ type: 'text', text: expect.stringMatching(/\S/) }]]);
      return undefined;
    }
    accepted++;
    const { pathname, searchParams } = new URL(last, 'https://kcp');
    return [pathname.split('/').slice(1).map(decodeURIComponent), Object.fromEntries(searchParams)];
  }

  const kind = { workspace: 'root:acme', apiVersion: 'v1', kind: 'ConfigMap' };
  const RUNS = { numRuns: 150 };
  let accepted = 0;
  beforeEach(() => {
    accepted = 0;
  });
  afterEach(() => {
    // Else nothing was looked at.
    expect(accepted).toBeGreaterThan(5);
  });

  test('name and namespace', async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, hostileText, async (name, namespace) => {
        const seen = await asked('resources_get', { ...kind, name, namespace });
        const wanted = ['clusters', 'root:acme', 'api', 'v1', 'namespaces', namespace, 'configmaps', name];
        if (seen !== undefined) expect(seen).toEqual([wanted, {}]);
      }),
      RUNS,
    );
  });

  test('workspace', async () => {
    const workspace = fc.oneof(hostileText, fc.constantFrom('root', 'root:acme:team-a', 'iw6o8ima302q41ln'));
    await fc.assert(
      fc.asyncProperty(workspace, async (text) => {
        const seen = await asked('resources_list', { ...kind, workspace: text });
        if (seen !== undefined) expect(seen[0]).toEqual(['clusters', text, 'api', 'v1', 'configmaps']);
      }),
      RUNS,
    );
  });

  test('selectors and continue token', async () => {
    const token = fc.oneof(hostileText, fc.base64String({ minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(hostileText, hostileText, token, async (labelSelector, fieldSelector, next) => {
        const seen = await asked('resources_list', { ...kind, labelSelector, fieldSelector, continue: next });
        if (seen === undefined) return;
        expect(seen[1]).toEqual({
          limit: '100',
          labelSelector,
          fieldSelector,
          continue: next,
          includeObject: 'Metadata',
        });
        expect(next).toMatch(/^[\w\-+/=:.]+$/);
      }),
      RUNS,
    );
  });
});
