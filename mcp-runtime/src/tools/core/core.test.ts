import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

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

const workspace = 'root:acme:team-a';
const PASSWORD = Buffer.from('correct-horse').toString('base64');

/** Serves `count` objects, with continue tokens, as YAML wants them or as a table. */
function serve(resource: string, count: number, make: (index: number) => object) {
  fake.handlers.push(({ path, query, accept }) => {
    if (!path.endsWith(`/${resource}`)) return undefined;
    const start = Number(query.get('continue') ?? 0);
    const end = Math.min(count, start + Number(query.get('limit')));
    const objects = Array.from({ length: end - start }, (_, index) => make(start + index));
    const metadata = end < count ? { continue: String(end), remainingItemCount: count - end } : {};
    if (!accept.includes('as=Table')) return { body: { kind: 'List', metadata, items: objects } };
    const rows = objects.map((object) => ({
      cells: [(object as { metadata: { name: string } }).metadata.name, 3],
      object,
    }));
    const columnDefinitions = [{ name: 'Name' }, { name: 'Data' }];
    return { body: { kind: 'Table', columnDefinitions, metadata, rows } };
  });
}

const configMap = (index: number, data: object = {}) => ({
  metadata: { name: `cm-${index}`, namespace: 'default', managedFields: [{ manager: 'x' }] },
  data,
});

const queries = (resource: string) =>
  fake.seen.filter(({ url }) => url.includes(`/${resource}`)).map(({ url }) => url.split('?')[1]);

describe('namespaces_list', () => {
  test('is a table of what kcp answers, one request', async () => {
    expect(await bench.text('namespaces_list', { workspace })).toBe(
      ['NAME          STATUS   AGE', 'default       Active   18m', 'kube-system   Active   18m'].join('\n'),
    );
    expect(fake.seen.map(({ url }) => url)).toEqual([
      `/clusters/${workspace}/api/v1/namespaces?limit=100&includeObject=None`,
    ]);
  });

  test('in YAML: whole objects without managedFields', async () => {
    const text = await bench.text('namespaces_list', { workspace, output: 'yaml', fieldSelector: 'metadata.name!=x' });
    expect(text).not.toContain('managedFields');
    expect(parse(text)).toMatchObject([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, status: { phase: 'Active' } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } },
    ]);
    expect(fake.seen[0]?.url).toContain('fieldSelector=metadata.name%21%3Dx');
  });

  test('list_output = "yaml" is the default that table overrides', async () => {
    const yaml = createBench(fake, { list_output: 'yaml' });
    expect(await yaml.text('namespaces_list', { workspace })).toMatch(/^- apiVersion: v1/);
    expect(await yaml.text('namespaces_list', { workspace, output: 'table' })).toMatch(/^NAME/);
    await yaml.kcp.close();
  });
});

describe('resources_list', () => {
  const list = { workspace, apiVersion: 'v1', kind: 'ConfigMap' };

  test('across namespaces the table says which', async () => {
    serve('configmaps', 2, configMap);
    expect(await bench.text('resources_list', list)).toBe(
      ['NAMESPACE   NAME   DATA', 'default     cm-0   3', 'default     cm-1   3'].join('\n'),
    );
    expect(queries('configmaps')).toEqual(['limit=100&includeObject=Metadata']);
  });

  test('in one namespace, with selectors', async () => {
    serve('configmaps', 1, configMap);
    const args = { ...list, namespace: 'prod', labelSelector: 'a=b', fieldSelector: 'metadata.name=cm-0' };
    expect(await bench.text('resources_list', args)).toBe('NAME   DATA\ncm-0   3');
    expect(fake.seen.at(-1)?.url).toBe(
      `/clusters/${workspace}/api/v1/namespaces/prod/configmaps?limit=100&labelSelector=a%3Db&fieldSelector=metadata.name%3Dcm-0&includeObject=None`,
    );
  });

  test('a namespace is of no account for a kind without namespaces', async () => {
    await bench.text('resources_list', { ...list, kind: 'Namespace', namespace: 'prod' });
    expect(fake.seen.at(-1)?.url).toContain('/api/v1/namespaces?');
  });

  test('pages: says what follows and how to get it, to the end', async () => {
    serve('configmaps', 5, configMap);
    const first = await bench.text('resources_list', { ...list, limit: 2 });
    expect(first).toMatch(/\n\[cut after 2: 3 more follow; call again with the same arguments and continue: "2"\]$/);
    const second = await bench.text('resources_list', { ...list, limit: 2, continue: '2' });
    expect(second).toContain('cm-3');
    expect(second).toContain('[cut after 2: 1 more follow');
    const last = await bench.text('resources_list', { ...list, limit: 2, continue: '4' });
    expect(last).toContain('cm-4');
    expect(last).not.toContain('[cut');
  });

  test.each(['table', 'yaml'])(
    'more than one answer holds is cut between objects, and goes on right there: %s',
    async (output) => {
      serve('configmaps', 300, (index) => configMap(index, { text: 'x'.repeat(1000) }));
      const long = 'n'.repeat(90);
      if (output === 'table') {
        fake.handlers.length = 0;
        serve('configmaps', 500, (index) => ({ metadata: { name: `${long}-${index}`, namespace: long } }));
      }
      let next: string | undefined;
      let found = 0;
      let calls = 0;
      do {
        const text = await bench.text('resources_list', {
          ...list,
          output,
          limit: 500,
          ...(next !== undefined && { continue: next }),
        });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
        found += text.split('\n').filter((line) => /-\d+(\s|$)/.test(line)).length;
        next = /continue: "([^"]+)"\]$/.exec(text)?.[1];
        calls += 1;
      } while (next !== undefined && calls < 20);
      expect(found).toBe(output === 'table' ? 500 : 300);
      expect(calls).toBeGreaterThan(1);
    },
  );

  test('one object larger than an answer is cut, and the rest can still be had', async () => {
    serve('configmaps', 3, (index) => configMap(index, { text: 'line\n'.repeat(30_000) }));
    const text = await bench.text('resources_list', { ...list, output: 'yaml' });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toContain('[cut: only the first 60 KiB');
    expect(text).toMatch(/# \[cut after 1: 2 more follow; .*continue: "1"\]$/);
  });

  test('an API that makes no tables', async () => {
    fake.handlers.push(({ path }) =>
      path.endsWith('/configmaps')
        ? { body: { items: [{ metadata: { name: 'a', namespace: 'b', creationTimestamp: '2026-11-22T19:00:00Z' } }] } }
        : undefined,
    );
    expect(await bench.text('resources_list', list)).toBe('NAMESPACE   NAME   AGE\nb           a      60m');
  });

  test('nothing found is said with where it was looked for', async () => {
    serve('configmaps', 0, configMap);
    expect(await bench.text('resources_list', list)).toBe(
      'There are no objects of kind ConfigMap in workspace root:acme:team-a.',
    );
    expect(await bench.text('resources_list', { ...list, namespace: 'x', labelSelector: 'a' })).toBe(
      'There are no objects of kind ConfigMap that the selectors match in namespace x of workspace root:acme:team-a.',
    );
  });

  test.each(['table', 'yaml'])('values of Secrets are not shown: %s', async (output) => {
    serve('secrets', 2, (index) => ({
      metadata: {
        name: `s-${index}`,
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"password":"${PASSWORD}"}}` },
      },
      data: { password: PASSWORD },
    }));
    const text = await bench.text('resources_list', { ...list, kind: 'Secret', output });
    expect(text).toContain('s-1');
    expect(text).not.toContain(PASSWORD);
  });

  test("other people's text cannot hide in an answer", async () => {
    serve('configmaps', 1, () => ({
      metadata: { name: 'a\u202eb\u001b[2J', namespace: 'n\ns' },
      data: { k: 'v\u2066' },
    }));
    for (const output of ['table', 'yaml']) {
      expect(await bench.text('resources_list', { ...list, output })).not.toMatch(/[\p{Cf}]|(?!\n)\p{Cc}/u);
    }
  });
});

describe('resources_get', () => {
  const get = { workspace, apiVersion: 'v1', kind: 'Secret', name: 'db' };

  function serveSecret() {
    fake.handlers.push(({ path }) =>
      path.endsWith('/secrets/db')
        ? {
            body: {
              apiVersion: 'v1',
              kind: 'Secret',
              metadata: { name: 'db', namespace: 'default', managedFields: [{}], labels: { a: 'b' } },
              data: { password: PASSWORD },
            },
          }
        : undefined,
    );
  }

  test('is YAML, without secret values and managedFields', async () => {
    serveSecret();
    const text = await bench.text('resources_get', get);
    expect(parse(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', namespace: 'default', labels: { a: 'b' } },
      data: { password: '[redacted]' },
    });
    expect(fake.seen.at(-1)?.url).toBe(`/clusters/${workspace}/api/v1/namespaces/default/secrets/db`);
  });

  test('of a namespace, and of a kind without namespaces', async () => {
    serveSecret();
    await bench.text('resources_get', { ...get, namespace: 'prod' });
    expect(fake.seen.at(-1)?.url).toContain('/namespaces/prod/secrets/db');
    await bench.failure('resources_get', { ...get, kind: 'Namespace', name: 'nope', namespace: 'prod' });
    expect(fake.seen.some(({ url }) => url.endsWith('/api/v1/namespaces/nope'))).toBe(true);
  });

  test('a name that looks like a path stays a name', async () => {
    fake.handlers.push(() => status(404, 'not found', { name: 'a?b#c', kind: 'secrets' }));
    bench.time.now += 60_000;
    fake.handlers.unshift(({ path }) =>
      path === '/api/v1'
        ? {
            body: {
              resources: [
                { name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs: ['get'] },
              ],
            },
          }
        : undefined,
    );
    await bench.failure('resources_get', { ...get, name: 'a?b#c' });
    expect(fake.seen.at(-1)?.url).toBe(`/clusters/${workspace}/api/v1/namespaces/default/secrets/a%3Fb%23c`);
  });

  test('a large object is cut and says so', async () => {
    fake.handlers.push(({ path }) =>
      path.endsWith('/configmaps/big')
        ? { body: { kind: 'ConfigMap', metadata: { name: 'big' }, data: { text: 'word '.repeat(40_000) } } }
        : undefined,
    );
    bench.time.now += 60_000;
    const text = await bench.text('resources_get', { ...get, kind: 'ConfigMap', name: 'big' });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toMatch(/\[cut: only the first 64 KiB are shown\]$/);
  });
});
