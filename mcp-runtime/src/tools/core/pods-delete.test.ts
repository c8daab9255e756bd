import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { status } from '../../testing/fake-kcp.ts';
import { PODS, pod, startPodBench, web } from '../../testing/pod-bench.ts';
import type { FakeRequest, PodBench } from '../../testing/pod-bench.ts';

let bench: PodBench;
beforeAll(async () => {
  bench = await startPodBench();
});
afterEach(() => {
  bench.reset();
});
afterAll(() => bench.stop());

describe('pods_delete', () => {
  const labels = {
    'app.kubernetes.io/name': 'web',
    'app.kubernetes.io/managed-by': 'kcp-mcp',
    'app.kubernetes.io/part-of': 'kcp-mcp-run-sandbox',
  };
  const SERVICES = '/api/v1/namespaces/shop/services';
  const service = { metadata: { name: 'web', uid: 'u-2' } };
  const going = { body: { ...pod(), metadata: { ...pod().metadata, deletionGracePeriodSeconds: 30 } } };
  const deletions = (seen: readonly FakeRequest[]) => seen.filter(({ method }) => method === 'DELETE');

  test('that very Pod, with the time that it has', async () => {
    const seen = bench.serve({ [`GET ${PODS}/web`]: { body: pod() }, [`DELETE ${PODS}/web`]: going });
    expect(await bench.text('pods_delete', web)).toBe(
      'Pod shop/web is being deleted: its containers have 30 s to stop.',
    );
    expect(deletions(seen).map(({ body }) => body)).toEqual([{ preconditions: { uid: 'u-1' } }]);
    expect(seen).toHaveLength(2);
  });

  test('at once', async () => {
    const seen = bench.serve({ [`GET ${PODS}/web`]: { body: pod() }, [`DELETE ${PODS}/web`]: { body: pod() } });
    expect(await bench.text('pods_delete', { ...web, gracePeriodSeconds: 0 })).toBe('Pod shop/web is deleted.');
    expect(deletions(seen)[0]?.body).toMatchObject({ gracePeriodSeconds: 0 });
  });

  test('what pods_run made loses its Service, too', async () => {
    const seen = bench.serve({
      [`GET ${PODS}/web`]: { body: pod({ labels }) },
      [`DELETE ${PODS}/web`]: going,
      [`GET ${SERVICES}`]: { body: { items: [service] } },
      [`DELETE ${SERVICES}/web`]: { body: { status: 'Success' } },
    });
    expect(await bench.text('pods_delete', web)).toMatch(/s to stop\.\nService shop\/web is deleted, too\.$/);
    expect(seen.find(({ path }) => path === SERVICES)?.query.get('labelSelector')).toBe(
      'app.kubernetes.io/name=web,app.kubernetes.io/managed-by=kcp-mcp,app.kubernetes.io/part-of=kcp-mcp-run-sandbox',
    );
    expect(deletions(seen).map(({ path, body }) => [path, (body as { preconditions: unknown }).preconditions])).toEqual([
      [`${PODS}/web`, { uid: 'u-1' }],
      [`${SERVICES}/web`, { uid: 'u-2' }],
    ]); // prettier-ignore
  });

  test.each(['app.kubernetes.io/managed-by', 'app.kubernetes.io/part-of'])(
    'the Services of others stay: %s',
    async (key) => {
      const theirs = { ...labels, [key]: 'kubernetes-mcp-server' };
      const seen = bench.serve({
        [`GET ${PODS}/web`]: { body: pod({ labels: theirs }) },
        [`DELETE ${PODS}/web`]: going,
      });
      await bench.text('pods_delete', web);
      expect(seen.map(({ path }) => path)).toEqual([`${PODS}/web`, `${PODS}/web`]);
    },
  );

  test('what cannot be done about the Service is said; the Pod goes', async () => {
    const answers = { [`GET ${PODS}/web`]: { body: pod({ labels }) }, [`DELETE ${PODS}/web`]: going };
    bench.serve({ ...answers, [`GET ${SERVICES}`]: status(403, 'services is forbidden') });
    expect(await bench.text('pods_delete', web)).toContain(
      '\nWhether a Service is left of it could not be found out: services is forbidden',
    );
    bench.reset();
    bench.serve({
      ...answers,
      [`GET ${SERVICES}`]: { body: { items: [service] } },
      [`DELETE ${SERVICES}/web`]: status(403, 'services "web" is forbidden'),
    });
    expect(await bench.text('pods_delete', web)).toContain(
      '\nService shop/web could not be deleted: services "web" is forbidden',
    );
    bench.reset();
    bench.serve(answers);
    const denied = bench.with({ denied_resources: [{ kind: 'Service' }] });
    expect(await denied.text('pods_delete', web)).toContain('Its Service, if it has one, is left. ');
    expect(bench.fake.seen.some(({ url }) => url.includes('services'))).toBe(false);
  });

  test('disable_destructive', async () => {
    const careful = bench.with({ disable_destructive: true });
    expect(await careful.failure('pods_delete', web)).toContain('disable_destructive');
    expect(await careful.failure('pods_exec', { ...web, command: ['ls'] })).toContain('disable_destructive');
    expect(bench.fake.seen).toHaveLength(0);
  });
});
