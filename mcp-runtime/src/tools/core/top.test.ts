import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeAnswer, FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

let fake: FakeKcp;
let bench: ToolBench;
const benches: ToolBench[] = [];
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = plain();
});
afterEach(() => {
  fake.reset();
});
afterAll(async () => {
  await Promise.all(benches.map(({ kcp }) => kcp.close()));
  await fake.stop();
});

function plain(settings: Parameters<typeof createBench>[1] = {}): ToolBench {
  const kubeconfig = fake.kubeconfig.replace('/clusters/root', '');
  const created = createBench({ kubeconfig }, { cluster_provider_strategy: 'kubeconfig', ...settings });
  benches.push(created);
  return created;
}

function serve(answers: Readonly<Record<string, FakeAnswer>>): void {
  fake.handlers.push(({ path }) => answers[path] ?? { status: 404, body: '404 page not found\n' });
}

const METRICS = '/apis/metrics.k8s.io/v1beta1';
const items = (...list: object[]): FakeAnswer => ({ body: { items: list } });
const podMetrics = (namespace: string, name: string, containers: Record<string, [string, string, string?]>) => ({
  metadata: { namespace, name },
  containers: Object.entries(containers).map(([container, [cpu, memory, swap]]) => ({
    name: container,
    usage: { cpu, memory, ...(swap !== undefined && { swap }) },
  })),
});

describe('pods_top', () => {
  const web = podMetrics('shop', 'web', { app: ['100400000n', '204800Ki'], proxy: ['2m', '3145728'] });
  const db = podMetrics('data', 'db', { db: ['1', '1Gi'] });

  test('rows by namespace and Pod, a total for each of several containers and for all', async () => {
    serve({ [`${METRICS}/pods`]: items(web, db) });
    expect(await bench.text('pods_top')).toBe(
      [
        'NAMESPACE   POD      NAME    CPU(CORES)   MEMORY(BYTES)',
        'data        db       db      1000m        1024Mi',
        'shop        web      app     101m         200Mi',
        'shop        web      proxy   2m           3Mi',
        'shop        web      (all)   103m         203Mi',
        'TOTAL       2 Pods           1103m        1227Mi',
      ].join('\n'),
    );
  });

  test('swap where it is measured', async () => {
    serve({ [`${METRICS}/pods`]: items(podMetrics('a', 'b', { c: ['1m', '1Mi', '37Mi'], d: ['1m', '1Mi'] })) });
    expect(await bench.text('pods_top')).toMatch(/SWAP\(BYTES\)\na +b +c +1m +1Mi +37Mi\na +b +d +1m +1Mi +-\n/);
  });

  test.each([
    [{}, '/pods'],
    [{ label_selector: 'a=b' }, '/pods?labelSelector=a%3Db'],
    [{ all_namespaces: false }, '/namespaces/default/pods'],
    [{ namespace: 'shop' }, '/namespaces/shop/pods'],
    [{ namespace: 'shop', all_namespaces: true }, '/namespaces/shop/pods'],
    [{ name: 'web', label_selector: 'a=b' }, '/namespaces/default/pods/web'],
    [{ name: 'web', namespace: 'shop' }, '/namespaces/shop/pods/web'],
  ])('%j', async (args, path) => {
    fake.handlers.push(() => ({ body: { ...web, items: [web] } }));
    expect(await bench.text('pods_top', args)).toContain('(all)');
    expect(fake.seen.map(({ url }) => url)).toEqual([METRICS + path]);
  });

  test('without the metrics API: what has to be installed', async () => {
    serve({});
    expect(await bench.failure('pods_top')).toBe(
      "This cluster doesn't serve the metrics API (metrics.k8s.io), so what is used isn't known. It comes with metrics-server " +
        '(https://github.com/kubernetes-sigs/metrics-server), which has to be installed there.',
    );
    fake.reset();
    serve({ [`${METRICS}/pods`]: { status: 503, body: 'service unavailable' } });
    expect(await bench.failure('pods_top')).toContain("is installed in this cluster, but doesn't answer");
  });

  test('a Pod without metrics, and none at all', async () => {
    serve({
      [`${METRICS}/namespaces/shop/pods/web`]: status(404, 'podmetrics "shop/web" not found', { name: 'web' }),
      [`${METRICS}/namespaces/shop/pods`]: items(),
    });
    expect(await bench.failure('pods_top', { namespace: 'shop', name: 'web' })).toContain(
      "There are no metrics of Pod shop/web: it doesn't exist",
    );
    expect(await bench.text('pods_top', { namespace: 'shop' })).toContain(
      'There are no metrics of Pods in namespace shop of this cluster',
    );
  });

  test('very many Pods are cut, the total is of all', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => podMetrics('n', `pod-${index}`, { c: ['1m', '1Mi'] }));
    serve({ [`${METRICS}/pods`]: items(...many) });
    const text = await bench.text('pods_top');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toMatch(/\nTOTAL +2000 Pods +2000m +2000Mi\n\[cut after \d+ rows: \d+ more follow; /);
  });

  test.each([{ group: 'metrics.k8s.io' }, { kind: 'Pod' }, { group: 'metrics.k8s.io', kind: 'PodMetrics' }])(
    'denied_resources %j',
    async (denied) => {
      expect(await plain({ denied_resources: [denied] }).failure('pods_top')).toContain('denied_resources');
      expect(fake.seen).toHaveLength(0);
    },
  );
});

describe('nodes_top', () => {
  const used = (name: string, cpu: string, memory: string) => ({ metadata: { name }, usage: { cpu, memory } });
  const node = (name: string, cpu: string, memory: string) => ({
    metadata: { name },
    status: { allocatable: { cpu, memory }, nodeInfo: {} },
  });

  test('what is used, and the part of what Pods can have', async () => {
    serve({
      [`${METRICS}/nodes`]: items(used('b', '500m', '2Gi'), used('a', '1234567890n', '1048576Ki')),
      '/api/v1/nodes': items(node('a', '4', '8Gi'), node('b', '1930m', '3Gi'), node('c', '1', '1Gi')),
    });
    expect(await bench.text('nodes_top')).toBe(
      [
        'NAME   CPU(CORES)   CPU(%)      MEMORY(BYTES)   MEMORY(%)',
        'a      1235m        30%         1024Mi          12%',
        'b      500m         25%         2048Mi          66%',
        'c      <unknown>    <unknown>   <unknown>       <unknown>',
      ].join('\n'),
    );
    expect(fake.seen.map(({ url }) => url)).toEqual([`${METRICS}/nodes`, '/api/v1/nodes?limit=50']);
  });

  test('swap of what the node has', async () => {
    const swap = { ...node('a', '1', '1Gi'), status: { allocatable: {}, nodeInfo: { swap: { capacity: 2 ** 30 } } } };
    serve({
      [`${METRICS}/nodes`]: items({ metadata: { name: 'a' }, usage: { cpu: '1m', memory: '1Mi', swap: '512Mi' } }),
      '/api/v1/nodes': items(swap),
    });
    expect(await bench.text('nodes_top')).toMatch(/SWAP\(%\)\na +1m +- +1Mi +- +512Mi +50%$/);
  });

  test('one node; by label', async () => {
    serve({
      [`${METRICS}/nodes/a`]: { body: used('a', '1', '1Gi') },
      '/api/v1/nodes/a': { body: node('a', '2', '4Gi') },
      [`${METRICS}/nodes`]: items(),
      '/api/v1/nodes': items(),
    });
    expect(await bench.text('nodes_top', { name: 'a' })).toContain('a      1000m        50%      1024Mi          25%');
    expect(await bench.text('nodes_top', { label_selector: 'x=y' })).toBe(
      'There are no nodes that the selector matches in this cluster.',
    );
    expect(fake.seen.map(({ url }) => url).slice(2)).toEqual([
      `${METRICS}/nodes?labelSelector=x%3Dy`,
      '/api/v1/nodes?labelSelector=x%3Dy&limit=50',
    ]);
  });

  test('who may not list nodes sees what is used', async () => {
    serve({ [`${METRICS}/nodes`]: items(used('a', '1', '1Gi')), '/api/v1/nodes': status(403, 'nodes is forbidden') });
    expect(await bench.text('nodes_top')).toMatch(
      /\na +1000m +- +1024Mi +-\n\[what the nodes have is not known: .*403/,
    );
  });

  test('without the metrics API; an unknown node', async () => {
    serve({ [`${METRICS}/nodes/x`]: status(404, 'nodemetrics "x" not found', { name: 'x' }) });
    expect(await bench.failure('nodes_top')).toContain('metrics-server');
    expect(await bench.failure('nodes_top', { name: 'x' })).toContain('There are no metrics of node x');
  });
});
