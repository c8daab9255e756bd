import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeKcp, Handler } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

let fake: FakeKcp;
let bench: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = createBench(fake, { toolset_configs: { kcp: { request_timeout: '4s' } } });
});
afterEach(() => {
  fake.reset();
  bench.time.now += 60_000;
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

const SECRETS = { apiVersion: 'v1', kind: 'ConfigMap' };
const DISCOVERY = {
  resources: [{ name: 'configmaps', kind: 'ConfigMap', singularName: 'configmap', namespaced: true, verbs: ['list'] }],
};

/** `root` with children w000, w001, …, each with the objects that `objects` says; all open. */
function tree(count: number, objects: (workspace: string) => string[], more: Handler = () => undefined): void {
  const children = Array.from({ length: count }, (_, index) => `w${String(index).padStart(3, '0')}`);
  fake.handlers.push(more, ({ workspace, path }) => {
    if (!workspace.startsWith('root')) return status(403, 'access denied');
    if (path === '/version') return { body: {} };
    if (path.endsWith('/workspaces')) {
      const items = workspace === 'root' ? children.map((name) => ({ metadata: { name } })) : [];
      return { body: { items } };
    }
    if (path === '/api/v1') return { body: DISCOVERY };
    if (!path.endsWith('/configmaps')) return undefined;
    const items = objects(workspace).map((name) => ({ metadata: { name, namespace: 'default' } }));
    return { body: { kind: 'PartialObjectMetadataList', items, metadata: {} } };
  });
}

interface Found {
  objects: { workspace: string; name: string }[];
  searched: number;
  total: number;
  notServed: number;
  next?: string;
  incomplete: { workspace: string; reason: string }[];
}
const find = async (args: object = {}) =>
  (await bench.call('kcp_find', { ...SECRETS, ...args })).structuredContent as Found;

test('in all workspaces at once: where each object is', async () => {
  tree(3, (workspace) => (workspace === 'root:w001' ? ['a', 'b'] : []));
  const text = await bench.text('kcp_find', { ...SECRETS, name: 'a', labelSelector: 'x=y', namespace: 'default' });
  expect(text).toMatch(
    /^WORKSPACE +NAMESPACE +NAME +AGE\nroot:w001 +default +a +-\nroot:w001 +default +b +-\n\nSearched 4 of 4 workspaces that you can enter, as of [^;]*\.$/,
  );
  const lists = fake.seen.filter(({ url }) => url.includes('/configmaps')).map(({ url }) => decodeURIComponent(url));
  expect(lists).toHaveLength(4);
  for (const url of lists)
    expect(url).toContain('/namespaces/default/configmaps?limit=100&labelSelector=x=y&fieldSelector=metadata.name=a');
});

test('the kind is resolved once, not in each workspace', async () => {
  tree(100, () => []);
  await find();
  expect(fake.seen.filter(({ url }) => url.endsWith('/api/v1')).length).toBeLessThanOrEqual(16);
  expect(fake.seen.filter(({ url }) => url.includes('/configmaps'))).toHaveLength(101);
});

test('a part that fails is named, the rest is there', async () => {
  tree(
    3,
    (workspace) => [`of-${workspace.replace(':', '-')}`],
    ({ workspace, path }) => {
      if (!path.endsWith('/configmaps')) return undefined;
      if (workspace === 'root:w000') return status(403, 'configmaps is forbidden');
      if (workspace === 'root:w001') return { status: 404, body: '404 page not found' };
      return undefined;
    },
  );
  const found = await find();
  expect(found.objects.map(({ workspace }) => workspace)).toEqual(['root', 'root:w002']);
  expect(found).toMatchObject({
    searched: 3,
    total: 4,
    notServed: 1,
    incomplete: [{ workspace: 'root:w000', reason: '403: configmaps is forbidden' }],
  });
});

test('one that does not answer does not hold up the others', async () => {
  const hold = Promise.withResolvers<undefined>();
  tree(
    2,
    () => ['x'],
    async ({ workspace, path }) => {
      if (workspace === 'root:w000' && path.endsWith('/configmaps')) await hold.promise;
      return undefined;
    },
  );
  const found = await find();
  hold.resolve(undefined);
  expect(found.objects.map(({ workspace }) => workspace)).toEqual(['root', 'root:w001']);
  expect(found.incomplete).toEqual([{ workspace: 'root:w000', reason: 'did not answer in time' }]);
});

test('pages end with a whole workspace, and lead to all objects, each once', async () => {
  tree(40, (workspace) => (workspace === 'root' ? [] : ['a', 'b', 'c']));
  const seen: string[] = [];
  let next: string | undefined;
  let pages = 0;
  do {
    const found = await find({ limit: 10, ...(next !== undefined && { continue: next }) });
    expect(found.objects.length).toBeLessThanOrEqual(10);
    seen.push(...found.objects.map(({ workspace, name }) => `${workspace}/${name}`));
    next = found.next;
    pages += 1;
  } while (next !== undefined);
  expect(seen).toHaveLength(120);
  expect(new Set(seen).size).toBe(120);
  expect(pages).toBe(14);
});

test('a continue token that no answer gave is refused', async () => {
  tree(1, () => []);
  expect(await bench.failure('kcp_find', { ...SECRETS, continue: 'banana' })).toContain(
    'continue: "banana" is not from an earlier answer',
  );
});

test('only below a prefix', async () => {
  tree(3, () => ['x']);
  expect((await find({ prefix: 'root:w001' })).objects).toEqual([
    { workspace: 'root:w001', namespace: 'default', name: 'x' },
  ]);
});

test('a kind that no workspace serves, a wrong selector, a denied kind', async () => {
  tree(
    1,
    () => [],
    ({ path }) => (path === '/api/v1' ? { body: { resources: [] } } : undefined),
  );
  expect(await bench.text('kcp_find', SECRETS)).toMatch(
    /^No ConfigMap was found\.\n\n.* no kind "ConfigMap" in it\. .*\n\nSearched 2 of 2/,
  );
  fake.reset();
  tree(1, () => []);
  bench.time.now += 60_000;
  expect(await bench.text('kcp_find', { ...SECRETS, kind: 'ConfgMap' })).toContain('Did you mean ConfigMap?');
  fake.reset();
  tree(
    1,
    () => [],
    ({ path }) => (path.endsWith('/configmaps') ? status(400, 'unable to parse requirement') : undefined),
  );
  bench.time.now += 60_000;
  expect(await bench.failure('kcp_find', { ...SECRETS, labelSelector: 'a in (' })).toContain(
    'unable to parse requirement',
  );
  const gated = createBench(fake, { denied_resources: [{ kind: 'ConfigMap' }] });
  expect(await gated.failure('kcp_find', SECRETS)).toContain('denied_resources');
  await gated.kcp.close();
});
