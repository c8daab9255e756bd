import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { status } from '../../testing/fake-kcp.ts';
import { PODS, startPodBench, web } from '../../testing/pod-bench.ts';
import type { FakeRequest, PodBench } from '../../testing/pod-bench.ts';

let bench: PodBench;
beforeAll(async () => {
  bench = await startPodBench();
});
afterEach(() => {
  bench.reset();
});
afterAll(() => bench.stop());

describe('pods_run', () => {
  const created = (request: FakeRequest) => ({ status: 201, body: request.body });

  test('a Pod with a made-up name', async () => {
    const seen = bench.serve({ 'POST /api/v1/namespaces/default/pods': created });
    const text = await bench.text('pods_run', { image: 'nginx' });
    expect(text).toMatch(/^# The following resources \(YAML\) have been created\n- apiVersion: v1\n/);
    const [made] = parse(text) as { metadata: { name: string } }[];
    const name = made?.metadata.name ?? '';
    expect(name).toMatch(/^kcp-mcp-run-[a-z0-9]{5}$/);
    expect(made).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'default',
        labels: {
          'app.kubernetes.io/name': name,
          'app.kubernetes.io/component': name,
          'app.kubernetes.io/managed-by': 'kcp-mcp',
          'app.kubernetes.io/part-of': 'kcp-mcp-run-sandbox',
        },
      },
      spec: { containers: [{ name, image: 'nginx' }] },
    });
    expect(seen.map(({ query }) => query.toString())).toEqual(['fieldManager=kcp-mcp']);
  });

  test('with a port a Service, which is tried before anything is made', async () => {
    const seen = bench.serve({ [`POST ${PODS}`]: created, 'POST /api/v1/namespaces/shop/services': created });
    const manager = bench.with({ toolset_configs: { kcp: { field_manager: 'me' } } });
    const made = parse(await manager.text('pods_run', { ...web, image: 'nginx', port: 80 })) as object[];
    const labels = { 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/managed-by': 'kcp-mcp' };
    expect(made).toMatchObject([
      { kind: 'Pod', spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] } },
      {
        kind: 'Service',
        metadata: { name: 'web', namespace: 'shop', labels },
        spec: { type: 'ClusterIP', selector: labels, ports: [{ port: 80, targetPort: 80 }] },
      },
    ]);
    expect(seen.map(({ path, query }) => `${path.split('/').at(-1) ?? ''} ${query.toString()}`)).toEqual([
      'services fieldManager=me&dryRun=All',
      'pods fieldManager=me',
      'services fieldManager=me',
    ]);
  });

  test('warnings of the API server are passed on', async () => {
    const warning = '299 - "would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation"';
    bench.serve({ [`POST ${PODS}`]: (request) => ({ ...created(request), headers: { warning } }) });
    const text = await bench.text('pods_run', { ...web, image: 'nginx' });
    expect(text).toContain('\n# Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation\n');
    expect(parse(text)).toHaveLength(1);
  });

  test('a Service that would be refused keeps the Pod from being made', async () => {
    const seen = bench.serve({
      [`POST ${PODS}`]: created,
      'POST /api/v1/namespaces/shop/services': status(409, 'services "web" already exists', { name: 'web' }),
    });
    const text = await bench.failure('pods_run', { ...web, image: 'nginx', port: 80 });
    expect(text).toContain('services "web" already exists');
    expect(seen.some(({ path }) => path === PODS)).toBe(false);
  });

  test('a Service that is refused all the same: the answer says what is there', async () => {
    bench.serve({
      [`POST ${PODS}`]: created,
      'POST /api/v1/namespaces/shop/services': (request) =>
        request.query.has('dryRun') ? created(request) : status(500, 'no address left'),
    });
    const text = await bench.failure('pods_run', { ...web, image: 'nginx', port: 80 });
    expect(text).toContain('Pod shop/web was created. pods_delete removes it.');
    expect(text).toContain('no address left');
  });

  test('denied Services switch it off', async () => {
    const denied = bench.with({ denied_resources: [{ kind: 'Service' }] });
    expect(await denied.failure('pods_run', { image: 'nginx' })).toContain('denied_resources');
    expect(bench.fake.seen).toHaveLength(0);
  });
});
