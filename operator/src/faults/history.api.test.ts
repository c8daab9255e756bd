// The API server has forgotten where a watch, or a list, was. Its watch cache is off, so that etcd's history is all there is.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { createInformer, isGone, type KubeClient } from '../kube/index.ts';
import { kinds, testClient, type ConfigMap } from '../kube/testing/api.ts';
import { NAME, newCase } from '../reconcile/testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';
import { startHttpProxy } from './testing/http-proxy.ts';

const SOON = { deadlineMs: 20_000, intervalMs: 10 };

let env: Environment;
beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()], ['--watch-cache=false']);
}, 600_000);
afterAll(() => env.stop());

test('410: every watch was away for longer than history lasts; each lists once more, and what was missed is seen', async () => {
  const proxy = await startHttpProxy(env.plane.url, env.plane.caFile);
  const operator = await env.startOperator({ url: proxy.url, timings: {} });
  try {
    const it = await newCase(env);
    const gone = await newCase(env);
    await it.becomeReady();
    await gone.becomeReady();
    const expired = async (): Promise<number> =>
      Number(/api_requests_total\{verb="WATCH",code="410"\} (\d+)/.exec(await operator.metrics.text())?.[1] ?? 0);
    const lists = (): string[] =>
      proxy.requests.filter(({ url }) => /[?&]limit=/.test(url)).map(({ url }) => url.split('?')[0] ?? '');

    const before = lists().length;
    proxy.refuse = ({ url }) => (url.includes('watch=true') ? { status: 503 } : undefined);
    proxy.breakAll();
    // More than the watches know of: a child that is gone, a resource that is gone, and one that is new.
    await it.remove('Service', `${NAME}-mcp`);
    await gone.remove('KcpMcpServer', NAME);
    const late = await newCase(env);
    await late.createSource();
    await late.createServer();
    await env.plane.compact();
    const watches = proxy.requests.length;
    proxy.refuse = undefined;
    const back = performance.now();
    await it.child('Service', 'mcp');
    await late.child('Deployment', 'mcp');
    await keepFigure({ id: 'gone', seconds: secondsSince(back), requests: proxy.requests.length - watches });
    await waitFor('the deletion to be seen', async () => / 2\n/.test(ready(await operator.metrics.text())), SOON);

    expect(await expired()).toBeGreaterThan(8);
    const again = lists().slice(before);
    expect(again).toContain('/apis/mcp.kcp.io/v1alpha1/kcpmcpservers');
    expect(again.toSorted()).toEqual([...new Set(again)].toSorted());
  } finally {
    await operator.stop();
    await proxy.close();
  }
}, 60_000);

/** How many KcpMcpServers it knows. */
const ready = (metrics: string): string => {
  const counts = [...metrics.matchAll(/^kcp_mcp_operator_resources\{.*\} (\d+)$/gm)];
  return ` ${counts.reduce((sum, [, count]) => sum + Number(count), 0)}\n`;
};

test('etcd is compacted while a list is read page by page: it is read anew, and is whole', async () => {
  const client = await testClient(env.plane.kubeconfig);
  const { namespace } = await newCase(env);
  const manager = { fieldManager: 'test' };
  const configMap = (name: string): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
  });
  for (let i = 0; i < 12; i += 1) await client.create(kinds.configMap, configMap(`page-${i}`), manager);

  let lists = 0;
  const slow: KubeClient = {
    ...client,
    watch: (...args) => client.watch(...args),
    async *pages(resource, options) {
      lists += 1;
      for await (const page of client.pages(resource, { ...options, limit: 5 })) {
        yield page as never;
        if (lists > 1) continue;
        await client.create(kinds.configMap, configMap('meanwhile'), manager).catch(() => undefined);
        await client.delete(kinds.configMap, configMap('page-0').metadata);
        await env.plane.compact();
      }
    },
  };
  const errors: unknown[] = [];
  const informer = createInformer<ConfigMap>({
    client: slow,
    resource: kinds.configMap,
    namespace,
    onError: (error) => errors.push(error),
  });
  try {
    informer.start();
    await waitFor('the list', () => informer.hasSynced(), SOON);
    const names = informer.store.list().map(({ metadata }) => metadata.name);
    expect(names).toContain('meanwhile');
    expect(names).not.toContain('page-0');
    expect(names).toHaveLength(12);
    expect([lists, errors.map(isGone)]).toEqual([2, [true]]);
  } finally {
    await informer.stop();
    await client.close();
  }
});
