import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitFor } from '../../e2e/lib/wait.ts';
import { runtimeConfigSchema, type RuntimeConfig } from './config/schema.ts';
import { createInventories, type Inventories } from './inventories.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { startFakeShards, type FakeShards } from './testing/fake-shards.ts';
import { captureLog } from './testing/log.ts';
import { createModelKcp } from './testing/model-kcp.ts';
import { principalOf } from './testing/principals.ts';

const SOON = { deadlineMs: 10_000, intervalMs: 5 };

let dir: string;
let shards: FakeShards;
let metrics: Metrics;
let made: Inventories | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'inventories-'));
  shards = await startFakeShards();
  metrics = createMetrics('test');
});
afterEach(async () => {
  await made?.close();
  await shards.stop();
  await rm(dir, { recursive: true });
});

function config(kcp: object, more: object = {}): RuntimeConfig {
  return runtimeConfigSchema.parse({
    kubeconfig: '/kubeconfig',
    oauth_audience: 'kcp',
    authorization_url: 'https://auth.example.com',
    server_url: 'https://mcp.example.com',
    cluster_provider_configs: { kcp },
    ...more,
  });
}

async function create(given: RuntimeConfig): Promise<Inventories> {
  const kcp = createModelKcp({ workspaces: [{ path: 'root', open: true }] });
  made = await createInventories({ config: given, kcp, log: captureLog().log, metrics });
  return made;
}

const metric = async (name: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`kcp_mcp_runtime_${name}`));

test('an inventory goes on, with what it knows, until a setting of it changes', async () => {
  const inventories = await create(config({}));
  const first = inventories.for(config({}));
  expect(inventories.for(config({}, { read_only: true }))).toBe(first);
  expect(inventories.for(config({ inventory_max_age: '1m' }))).not.toBe(first);
  expect(inventories.for(config({ default_workspace: 'root:acme' }))).not.toBe(first);
});

test('without an index there are no files of one, and no metrics that say it fails', async () => {
  const inventories = await create(config({}));
  await inventories.for(config({})).get(principalOf('alice'));
  expect(inventories.watched).toEqual([]);
  expect(await metric('index')).toEqual([]);
  expect(await metric('inventories_total')).toEqual([
    'kcp_mcp_runtime_inventories_total{source="caller",cause="call",result="complete"} 1',
  ]);
});

test('an index is made of its files, told by metrics, and made anew when they change', async () => {
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, shards.kubeconfig());
  shards.setShards(['one', 'two']);
  shards.put('one', { parent: 'root', name: 'acme' });
  const inventories = await create(config({ inventory: 'index', index_kubeconfig: kubeconfig }));
  const usable = async (value: number) =>
    (await metric('index_usable')).join() === `kcp_mcp_runtime_index_usable ${value}`;
  await waitFor('the index to be usable', () => usable(1), SOON);
  expect(await metric('index_')).toEqual([
    'kcp_mcp_runtime_index_usable 1',
    'kcp_mcp_runtime_index_workspaces 1',
    'kcp_mcp_runtime_index_shards{state="synced"} 2',
    'kcp_mcp_runtime_index_shards{state="waiting"} 0',
  ]);
  const found = await inventories.for(config({})).get(principalOf('alice'));
  expect(found).toMatchObject({ source: 'index', enterable: [{ path: 'root' }] });

  const [files] = inventories.watched;
  expect(files).toMatchObject({ what: 'index', files: [kubeconfig] });
  shards.token = 'renewed';
  await writeFile(kubeconfig, shards.kubeconfig());
  await files?.apply();
  await waitFor(
    'the new identity',
    () => shards.seen.some(({ authorization }) => authorization === 'Bearer renewed'),
    SOON,
  );
  await waitFor('the index to be usable again', () => usable(1), SOON);
});

test('plain Kubernetes has no workspaces to index', async () => {
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, shards.kubeconfig());
  const plain = { cluster_provider_strategy: 'kubeconfig', toolsets: ['core'] };
  const inventories = await create(config({ inventory: 'index', index_kubeconfig: kubeconfig }, plain));
  expect(inventories.watched).toEqual([]);
  expect(shards.seen).toEqual([]);
});
