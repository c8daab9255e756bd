// Objects of other people, whatever is in them: what an answer shows of them is visible, is what it seems to be, and fits.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { CallToolResult } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { parse } from 'yaml';
import { TOOLSETS } from '../config/schema.ts';
import { hostileJson, hostileText } from '../testing/arbitraries.ts';
import { startFakeKcp, status, type FakeAnswer, type FakeKcp } from '../testing/fake-kcp.ts';
import { samplesOf } from '../testing/samples.ts';
import { createBench, createPlainBench, type ToolBench } from '../testing/toolset.ts';
import { ALL_TOOLS } from '../tools/all.ts';
import { MAX_TEXT_BYTES } from './limit.ts';
import { fromObjects, fromServerTable, renderTable } from './table.ts';
import { oneLine, toolResult } from './text.ts';
import { toYaml } from './yaml.ts';

/** All that isn't seen, or makes other characters be seen elsewhere; of controls, tab and newline are allowed. */
const HIDDEN = /[\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?![\t\n])\p{Cc}/u;

function expectPlain(text: string): void {
  const hidden = HIDDEN.exec(text);
  if (hidden !== null) throw new Error(`${JSON.stringify(hidden[0])} in ${JSON.stringify(text.slice(0, 500))}`);
  expect(text.isWellFormed()).toBe(true);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
}

function textOf({ content }: CallToolResult): string {
  const [first] = content;
  return first?.type === 'text' ? first.text : '';
}

describe('tables', () => {
  const cell = fc.oneof(hostileText, hostileJson);

  test('each row is one line, and no cell can pass for two', () => {
    fc.assert(
      fc.property(
        fc.array(hostileText, { minLength: 1, maxLength: 4 }),
        fc.array(fc.array(cell, { maxLength: 5 })),
        (names, rows) => {
          const columnDefinitions = names.map((name) => ({ name: `C${name}` }));
          const table = { kind: 'Table', columnDefinitions, rows: rows.map((cells) => ({ cells })) };
          const lines = renderTable(fromServerTable(table, false));
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) {
            expectPlain(line);
            expect(line).not.toMatch(/[\t\n]/);
            expect(line.split(/ {2,}/)).toHaveLength(names.length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('objects of an API without tables likewise', () => {
    const object = fc.record({ metadata: fc.record({ name: hostileText, namespace: cell, creationTimestamp: cell }) });
    fc.assert(
      fc.property(fc.array(fc.oneof(object, hostileJson)), (objects) => {
        const lines = renderTable(fromObjects(objects, true, 0));
        expect(lines).toHaveLength(objects.length + 1);
        for (const line of lines) expect(line.split(/ {2,}/)).toHaveLength(3);
      }),
      { numRuns: 300 },
    );
  });

  test('no text becomes two columns, however the spaces are hidden', () => {
    for (const gap of [
      ' \u200b ',
      '\u200b \u200b \u200b',
      ' \u3164 ',
      '\u00a0\u00a0',
      ' \ufeff ',
      ' \u2028\u202e ',
      '\u2003 \u00ad \u2003',
    ]) {
      expect(oneLine(`a${gap}${gap}Ready`)).toBe('a Ready');
    }
  });
});

describe('YAML', () => {
  test('is plain, and says the same when it is read', () => {
    fc.assert(
      fc.property(hostileJson, (value) => {
        const text = toYaml(value);
        expectPlain(textOf(toolResult(text)));
        const read: unknown = parse(text);
        expect(toYaml(read)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test('a document that is one text of several lines reads as that text', () => {
    const line = fc.constantFrom(' ', '\n', '\t', '.', '#', '?', '>', 'a');
    fc.assert(
      fc.property(fc.string({ unit: line }), (text) => {
        expect(parse(toYaml(text))).toBe(text);
      }),
      { numRuns: 300, examples: [[' \n.']] },
    );
  });

  test('names of Object.prototype are fields like others', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(toYaml(value)).toContain('polluted: 1');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('an answer of a tool', () => {
  let fake: FakeKcp;
  let bench: ToolBench;
  let plain: ToolBench;
  let answer: FakeAnswer;
  beforeAll(async () => {
    fake = await startFakeKcp();
    bench = createBench(fake, {
      toolsets: [...TOOLSETS],
      cluster_provider_configs: { kcp: { inventory_max_age: '0s' } },
    });
    plain = createPlainBench(fake);
  });
  afterEach(() => {
    fake.reset();
  });
  afterAll(async () => {
    await Promise.all([bench.kcp.close(), plain.kcp.close()]);
    await fake.stop();
  });

  const kind = { workspace: 'root:acme', apiVersion: 'v1', kind: 'ConfigMap' };
  const named = fc.record(
    {
      kind: fc.oneof(hostileText, fc.constantFrom('Secret', 'List', 'SecretList')),
      metadata: fc.oneof(fc.record({ name: hostileText, namespace: hostileText, annotations: hostileJson, labels: hostileJson }), hostileJson), // prettier-ignore
      data: hostileJson,
      status: hostileJson,
      items: hostileJson,
    },
    { requiredKeys: [] },
  );
  const object = fc.oneof(named, hostileJson);
  const list = fc.record({
    kind: fc.oneof(hostileText, fc.constant('Table')),
    metadata: fc.record({ continue: hostileText, remainingItemCount: fc.oneof(fc.integer(), hostileText) }),
    items: fc.oneof(fc.array(object, { maxLength: 3 }), hostileJson),
    columnDefinitions: fc.oneof(
      fc.array(fc.record({ name: hostileText, priority: fc.constantFrom(0, 1) })),
      hostileJson,
    ),
    rows: fc.oneof(fc.array(fc.record({ cells: hostileJson, object })), hostileJson),
  });
  const failure = fc.record({
    status: fc.constantFrom(400, 401, 403, 404, 409, 410, 422, 429, 500, 503),
    body: fc.oneof(
      fc.record({ message: hostileText, reason: hostileText, details: fc.record({ name: hostileText, kind: hostileText, group: hostileText }) }), // prettier-ignore
      hostileJson,
    ),
  });

  const calls: [string, string, object, fc.Arbitrary<FakeAnswer>][] = [
    ['an object', 'resources_get', { ...kind, name: 'a' }, object.map((body) => ({ body }))],
    ['a table', 'resources_list', kind, list.map((body) => ({ body }))],
    ['a list as YAML', 'resources_list', { ...kind, output: 'yaml' }, list.map((body) => ({ body }))],
    ['a failure', 'resources_get', { ...kind, name: 'a' }, failure],
  ];
  test.each(calls)('about %s is plain and fits', async (_, tool, args, answers) => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        answer = given;
        fake.handlers.splice(0, 1, ({ path }) => (path.includes('/configmaps') ? answer : undefined));
        const result = await bench.call(tool, args);
        expectPlain(textOf(result));
        expect(result.structuredContent === undefined || JSON.stringify(result.structuredContent)).toBeTruthy();
      }),
      { numRuns: 100 },
    );
  });

  // Half of the requests are answered as kcp does, or nothing would come after the first.
  test.each(ALL_TOOLS.map(({ name }) => name))('of %s is plain and fits, whatever kcp answers', async (name) => {
    const server = [bench, plain].find(({ toolset }) => toolset.list().some((definition) => definition.name === name));
    const tool = server?.toolset.list().find((definition) => definition.name === name);
    if (server === undefined || tool === undefined) throw new Error(`${name} is not listed`);
    const odd = fc.option(fc.oneof(object.map((body) => ({ body })), list.map((body) => ({ body })), failure), { nil: undefined }); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: 1, maxLength: 6 }), async (answers) => {
        server.time.now += 60_000;
        let asked = 0;
        fake.handlers.splice(0, 1, () => answers[asked++ % answers.length]);
        expectPlain(textOf(await server.call(name, samplesOf(tool), 'alice', AbortSignal.timeout(50))));
      }),
      { numRuns: 25 },
    );
  });

  test('about workspaces is one line for each, in text and structure', async () => {
    const workspace = fc.record({
      metadata: fc.record({ name: fc.oneof(fc.stringMatching(/^[a-z]{1,8}$/), hostileText) }),
      spec: fc.record({ cluster: hostileText, type: fc.record({ name: hostileText, path: hostileText }) }),
      status: fc.record({ phase: hostileText }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(workspace, hostileJson), { maxLength: 5 }), async (items) => {
        fake.handlers.splice(0, 1, ({ path, workspace: place }) =>
          path.endsWith('/workspaces')
            ? { body: { items: place === 'root' ? items : [] } }
            : path === '/version'
              ? { body: {} }
              : undefined,
        );
        const result = await bench.call('kcp_workspaces_list');
        const { workspaces } = result.structuredContent as { workspaces: { path: string }[] };
        const text = textOf(result);
        expectPlain(text);
        expect(text.split('\n')).toHaveLength(workspaces.length + 1);
        expect(HIDDEN.test(JSON.stringify(result.structuredContent))).toBe(false);
        for (const { path } of workspaces) expect(path).toMatch(/^[a-z0-9-]+(:[a-z0-9-]+)*$/);
      }),
      { numRuns: 100 },
    );
  });

  test('about kinds that there are not is one line for each of them', async () => {
    const type = fc.record({
      name: hostileText,
      kind: hostileText,
      verbs: fc.array(hostileText),
      shortNames: hostileJson,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(type, hostileJson)), fc.array(hostileText), async (resources, versions) => {
        bench.time.now += 60_000;
        fake.handlers.splice(0, 1, ({ path }) => {
          if (path === '/api/v1') return { body: { resources } };
          if (path === '/apis')
            return { body: { groups: [{ versions: versions.map((groupVersion) => ({ groupVersion })) }] } };
          return path.startsWith('/apis/') ? status(404, 'x') : undefined;
        });
        for (const apiVersion of ['v1', 'example.com/v1']) {
          const result = await bench.call('resources_list', { ...kind, kind: 'Wanted', apiVersion });
          expectPlain(textOf(result));
          expect(textOf(result)).not.toContain('\n');
        }
      }),
      { numRuns: 40 },
    );
  });
});
