import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import type { ControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { KubeClient } from './client.ts';
import { isGone } from './errors.ts';
import type { Version } from './event-head.ts';
import { kinds, openSockets, testClient, widgetCrd } from './testing/api.ts';
import type { ConfigMap } from './testing/api.ts';
import type { KubeObject, Resource } from './types.ts';
import { createInformer } from './watch.ts';
import type { Informer, InformerOptions } from './watch.ts';

const manager = { fieldManager: 'test' };
const soon = { deadlineMs: 10_000, intervalMs: 10 };

let plane: ControlPlane;
let client: KubeClient;
const started: Informer<KubeObject>[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  client = await testClient(plane.kubeconfig);
}, 120_000);
afterEach(async () => {
  await Promise.all(started.splice(0).map((informer) => informer.stop()));
});
afterAll(async () => {
  await client.close();
  await plane.stop();
});

function start<T extends KubeObject>(resource: Resource, options: Partial<InformerOptions<T>> = {}): Informer<T> {
  const informer = createInformer<T>({ client, resource, ...options });
  started.push(informer);
  informer.start();
  return informer;
}

function configMap(name: string, value: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { test: 'watch' } },
    data: { value },
  };
}

/** Writes an object, and says after how many ms the informer has it. */
async function latency(informer: Informer<ConfigMap>, object: ConfigMap): Promise<number> {
  const written = await client.apply(kinds.configMap, object, { ...manager, force: true });
  const from = performance.now();
  const { resourceVersion } = written.metadata;
  const seen = (): boolean => informer.store.get(written.metadata)?.metadata.resourceVersion === resourceVersion;
  await waitFor(`the informer to see ${object.metadata.name}`, seen, soon);
  return performance.now() - from;
}

test('holds what there is, and follows every change', async () => {
  await client.create(kinds.configMap, configMap('before', '1'), manager);
  const events: string[] = [];
  const informer = start<ConfigMap>(kinds.configMap, {
    labelSelector: 'test=watch',
    indexers: { value: ({ data }) => Object.values(data ?? {}) },
  });
  informer.on({
    onAdd: (object) => events.push(`add ${object.metadata.name}`),
    onUpdate: (previous, object) =>
      events.push(`update ${previous.data?.['value'] ?? ''} ${object.data?.['value'] ?? ''}`),
    onDelete: (object) => events.push(`delete ${object.metadata.name}`),
  });
  await informer.settled();
  expect(informer.store.get('default/before')).toMatchObject({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    data: { value: '1' },
  });
  await latency(informer, configMap('after', '2'));
  await latency(informer, configMap('after', '3'));
  expect(informer.store.byIndex('value', '2')).toEqual([]);
  expect(informer.store.byIndex('value', '3')).toHaveLength(1);
  await client.delete(kinds.configMap, { namespace: 'default', name: 'after' });
  await waitFor('the deletion to be seen', () => informer.store.size === 1, soon);
  // not to be selected any more is to be deleted
  const { labels: _, ...metadata } = configMap('before', '1').metadata;
  await client.update(kinds.configMap, { ...configMap('before', '1'), metadata }, manager);
  await waitFor('the change of labels to be seen', () => informer.store.size === 0, soon);
  expect(events).toEqual(['add before', 'add after', 'update 2 3', 'delete after', 'delete before']);
});

test('which version an event is about is told by how the API server writes it', async () => {
  const asked: Version[] = [];
  const told = new Set<string>();
  const ending = new AbortController();
  const watching = [false, true].map((metadataOnly) =>
    client.watch(kinds.configMap, {
      namespace: 'default',
      labelSelector: 'test=head',
      timeoutSeconds: 60,
      metadataOnly,
      isKnown: (version) => asked.push(version) > 0,
      onEvent: ({ type }) => told.add(type),
      signal: ending.signal,
    }),
  );
  const object = configMap('head', '1');
  const metadata = { ...object.metadata, labels: { test: 'head' }, annotations: { uid: 'x', resourceVersion: '1' } };
  const written = await client.create(kinds.configMap, { ...object, metadata }, manager);
  await waitFor('both watches to tell', () => asked.length === 2, soon);
  ending.abort();
  await Promise.all(watching);
  const { name, namespace, uid, resourceVersion } = written.metadata;
  expect(asked).toEqual([1, 2].map(() => ({ name, namespace, uid, resourceVersion })));
  expect([...told]).toEqual(['BOOKMARK']);
  await client.delete(kinds.configMap, metadata);
});

test('pages through a long list', async () => {
  await client.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'many' } }, manager);
  const names = Array.from({ length: 25 }, (_, i) => `cm-${i}`);
  for (const name of names) {
    const object = configMap(name, name);
    await client.create(kinds.configMap, { ...object, metadata: { ...object.metadata, namespace: 'many' } }, manager);
  }
  const sizes: number[] = [];
  for await (const page of client.pages(kinds.configMap, { namespace: 'many', limit: 10 }))
    sizes.push(page.items.length);
  expect(sizes).toEqual([10, 10, 5]);
  expect((await client.list(kinds.configMap, { namespace: 'many', limit: 10 })).items).toHaveLength(25);
});

test('the API server crashes and comes back: nothing is lost, and all is well within 3 s', async () => {
  const informer = start<ConfigMap>(kinds.configMap, { labelSelector: 'test=watch' });
  const single = start<ConfigMap>(kinds.configMap, { namespace: 'default', name: 'one' });
  await Promise.all([informer.settled(), single.settled()]);
  await latency(informer, configMap('gone', '1'));
  await plane.kill();
  await waitFor('the loss to be noticed', () => informer.state().phase === 'retrying', soon);
  expect(informer.state().message).toMatch('no answer from the API server');
  expect(informer.store.get('default/gone')).toBeDefined();
  await plane.restart();
  await client.delete(kinds.configMap, { namespace: 'default', name: 'gone' });
  expect(await latency(informer, configMap('one', '1'))).toBeLessThan(3_000);
  await waitFor('the deletion to be seen', () => informer.store.get('default/gone') === undefined, soon);
  await waitFor('the single object to be seen', () => single.store.size === 1, soon);
  expect([informer.state().phase, single.state().phase]).toEqual(['synced', 'synced']);
}, 60_000);

test('history is compacted while it is away: it lists again', async () => {
  const errors: unknown[] = [];
  const informer = start<ConfigMap>(kinds.configMap, {
    labelSelector: 'test=watch',
    onError: (error) => errors.push(error),
  });
  await informer.settled();
  await latency(informer, configMap('compacted', '1'));
  // other objects move the cluster's version on, so that the informer's own is out of the window after the restart
  for (let i = 0; i < 3; i++)
    await client.apply(
      kinds.configMap,
      { ...configMap('other', String(i)), metadata: { name: 'other', namespace: 'default' } },
      manager,
    );
  await plane.kill();
  await plane.compact();
  await plane.restart();
  await latency(informer, configMap('compacted', '2'));
  expect(errors.some(isGone)).toBe(true);
}, 60_000);

test('a kind that is not installed is absent, and noticed when it comes and goes', async () => {
  const informer = start(kinds.widget);
  const states: string[] = [];
  informer.on({
    onState: ({ phase }) => states.push(phase),
    onDelete: ({ metadata }) => states.push(`- ${metadata.name}`),
  });
  await informer.settled();
  expect(informer.state()).toMatchObject({
    phase: 'absent',
    message: 'GET /apis/example.com/v1/widgets: the API server does not serve this kind',
  });
  expect(await client.serves(kinds.widget)).toBe(false);
  await client.create(kinds.crd, widgetCrd, manager);
  await waitFor('the CRD to be served', () => client.serves(kinds.widget), { deadlineMs: 20_000 });
  informer.poke();
  await waitFor('the kind to be noticed', () => informer.state().phase === 'synced', soon);
  const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' } };
  await client.create(kinds.widget, widget, manager);
  await waitFor('the widget to be seen', () => informer.store.size === 1, soon);
  await client.delete(kinds.crd, { name: widgetCrd.metadata.name });
  await waitFor('the kind to be gone', () => informer.state().phase === 'absent', { deadlineMs: 20_000 });
  expect(informer.store.size).toBe(0);
  expect(states.filter((state) => state !== 'retrying')).toEqual(['absent', 'synced', '- w', 'absent']);
}, 60_000);

test('a metadata-only informer never sees the data of a Secret', async () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'default' },
    data: { key: 'c2VjcmV0' },
  };
  const informer = start(kinds.secret, { namespace: 'default', metadataOnly: true });
  await informer.settled();
  await client.create(kinds.secret, secret, manager);
  await waitFor('the Secret to be seen', () => informer.store.size === 1, soon);
  expect(Object.keys(informer.store.list()[0] ?? {}).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
  const relisted = start(kinds.secret, { namespace: 'default', metadataOnly: true });
  await relisted.settled();
  expect(JSON.stringify(relisted.store.list())).not.toContain('c2VjcmV0');
  expect(relisted.store.list()[0]).toMatchObject({ apiVersion: 'v1', kind: 'Secret' });
  informer.observe(await client.apply(kinds.secret, { ...secret, data: { key: 'bmV1' } }, { ...manager, force: true }));
  expect(JSON.stringify(informer.store.list())).not.toContain('bmV1');
});

test('what was written is in the store at once, and a deleted object does not come back', async () => {
  const informer = start<ConfigMap>(kinds.configMap, { labelSelector: 'test=watch' });
  await informer.settled();
  const written = await client.create(kinds.configMap, configMap('observed', '1'), manager);
  informer.observe(written);
  expect(informer.store.get(written.metadata)).toEqual(written);
  await client.delete(kinds.configMap, written.metadata);
  await waitFor('the deletion to be seen', () => informer.store.get(written.metadata) === undefined, soon);
  informer.observe(written);
  expect(informer.store.get(written.metadata)).toBeUndefined();
});

test('a stopped informer leaves no socket and no watch behind', async () => {
  const own = await testClient(plane.kubeconfig, 'leak');
  const before = openSockets();
  const informers = Array.from({ length: 10 }, (_, i) =>
    createInformer({ client: own, resource: kinds.configMap, namespace: 'default', name: `none-${i}` }),
  );
  for (const informer of informers) informer.start();
  await Promise.all(informers.map((informer) => informer.settled()));
  // the watches share one, and each has made a call
  const opened = openSockets() - before;
  expect([opened >= 2, opened <= 11]).toEqual([true, true]);
  await Promise.all(informers.map((informer) => informer.stop()));
  // the calls' pooled connections stay until the client is closed
  await waitFor("the watches' connection to be closed", () => openSockets() < before + opened, soon);
  await own.close();
  await waitFor('all sockets to be closed', () => openSockets() <= before, soon);
  const ended = async (): Promise<boolean> => {
    const lines = (await readFile(plane.auditLog, 'utf8')).split('\n');
    const watches = lines.filter((line) => line.includes('(leak)') && line.includes('"verb":"watch"'));
    return watches.filter((line) => line.includes('"stage":"ResponseComplete"')).length === 10;
  };
  await waitFor('the audit log to show their end', ended, soon);
});
