// Every text argument of every tool, filled with anything: what kcp is asked for is what the argument names, or kcp isn't asked.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TOOLSETS } from '../config/schema.ts';
import { parseWorkspace } from '../kcp/paths.ts';
import { hostileText } from '../testing/arbitraries.ts';
import { startFakeKcp, status, type FakeKcp } from '../testing/fake-kcp.ts';
import { samplesOf, textArgumentsOf } from '../testing/samples.ts';
import { createBench, createPlainBench, type ToolBench } from '../testing/toolset.ts';
import { ALL_TOOLS } from './all.ts';

let fake: FakeKcp;
/** For kcp, and for one plain cluster. */
let bench: ToolBench;
let plain: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = createBench(fake, { toolsets: [...TOOLSETS] });
  plain = createPlainBench(fake);
});
afterEach(() => {
  fake.reset();
});
afterAll(async () => {
  await Promise.all([bench.kcp.close(), plain.kcp.close()]);
  await fake.stop();
});

/** What a request to kcp may ask for beside its path. */
const QUERY = new Set(
  [
    'limit',
    'continue',
    'labelSelector',
    'fieldSelector',
    'includeObject',
    'dryRun',
    'force',
    'fieldManager',
    'fieldValidation',
  ].concat(['resourceVersion', 'query', 'tailLines', 'container', 'previous', 'limitBytes']),
);

/** What has to be true of every request, whatever was asked for. */
function expectWellFormed(raw: string, inWorkspace: boolean): void {
  const { pathname, hash, searchParams } = new URL(raw, 'https://kcp');
  const path = raw.split('?')[0] ?? '';
  expect([pathname, hash]).toEqual([path, '']);
  let segments = path.split('/');
  expect(segments.shift()).toBe('');
  if (inWorkspace) {
    const [clusters, workspace = '', ...rest] = segments;
    expect([clusters, parseWorkspace(workspace)]).toEqual(['clusters', workspace]);
    segments = rest;
  }
  expect(segments[0]).toMatch(/^(api|apis|version)$/);
  // Files of a node's logs, in folders of any depth; a folder ends in "/".
  const logs = /^((?:\/clusters\/[^/]+)?\/api\/v1\/nodes\/[a-z0-9.-]+\/proxy\/logs)\/./.exec(path);
  if (path.includes('/proxy/logs/') && segments.at(-1) === '') segments.pop();
  for (const segment of segments) {
    const name = decodeURIComponent(segment);
    expect(encodeURIComponent(name)).toBe(segment);
    expect(name).not.toMatch(/^\.{0,2}$|[/%\p{Cc}]/u);
  }
  if (logs === null) expect(segments.length).toBeLessThan(9);
  const keys = Array.from(searchParams.keys());
  expect(keys.filter((key) => !QUERY.has(key))).toEqual([]);
  expect(new Set(keys).size).toBe(keys.length);
}

describe('whatever an argument holds, requests stay in the workspace and of their form', () => {
  test.each(ALL_TOOLS.map(({ name }) => name))('%s', async (name) => {
    const servers = [bench, plain].flatMap((server) => {
      const tool = server.toolset.list().find((definition) => definition.name === name);
      return tool === undefined ? [] : [{ server, tool }];
    });
    expect(servers.length).toBeGreaterThan(0);
    for (const { server, tool } of servers) {
      for (const argument of textArgumentsOf(tool)) {
        await fc.assert(
          fc.asyncProperty(hostileText, async (text) => {
            fake.seen.length = 0;
            // What waits for a workspace to become ready needn't.
            await server.call(name, { ...samplesOf(tool), [argument]: text }, 'alice', AbortSignal.timeout(50));
            for (const { url } of fake.seen) expectWellFormed(url, server === bench);
          }),
          { numRuns: 25 },
        );
      }
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

  test('name among the fields that are looked for', async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, async (name) => {
        fake.seen.length = 0;
        await bench.call('kcp_find', {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          name,
          fieldSelector: 'metadata.namespace=a',
        });
        const found = fake.seen.map(({ url }) => new URL(url, 'https://kcp').searchParams.get('fieldSelector'));
        for (const selector of found.filter((text) => text !== null)) {
          accepted++;
          // As the API server reads it: a backslash takes the meaning of what follows.
          const terms = Array.from(selector.matchAll(/((?:[^\\,]|\\.)*)(?:,|$)/gsu), ([, term = '']) => term).slice(
            0,
            2,
          );
          expect(terms.map((term) => term.replaceAll(/\\(.)/gsu, '$1'))).toEqual([
            `metadata.name=${name}`,
            'metadata.namespace=a',
          ]);
          expect(terms[0]?.replace('metadata.name=', '')).not.toMatch(/(?<!\\)(\\\\)*=/);
        }
      }),
      RUNS,
    );
  });
});
