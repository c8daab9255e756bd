import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { status } from '../../testing/fake-kcp.ts';
import { PODS, pod, startPodBench, web } from '../../testing/pod-bench.ts';
import type { PodBench } from '../../testing/pod-bench.ts';
import { createBench } from '../../testing/toolset.ts';

let bench: PodBench;
beforeAll(async () => {
  bench = await startPodBench();
});
afterEach(() => {
  bench.reset();
});
afterAll(() => bench.stop());

describe('which Pod', () => {
  test('the path is that of the cluster, the audit line names the Pod', async () => {
    const seen = bench.serve({ 'GET /api/v1/namespaces/default/pods/web': { body: pod() } });
    const shown = parse(await bench.text('pods_get', { name: 'web', namespace: '' })) as unknown;
    expect(shown).toMatchObject({ kind: 'Pod', metadata: { name: 'web' } });
    expect(shown).not.toHaveProperty('metadata.managedFields');
    expect(seen).toHaveLength(1);
    expect(Object.assign({}, ...bench.audited)).toEqual({ object: 'Pod (v1) default/web', result: 'ok' });
  });

  test('in kcp the workspace is part of it, and a workspace without Pods says why', async () => {
    const kcp = createBench(bench.fake);
    const text = await kcp.failure('pods_list', { workspace: 'root:acme:team-a' });
    expect(text).toContain("Workspace root:acme:team-a doesn't serve pods of v1 (404): kcp runs nothing itself");
    expect(bench.fake.seen[0]?.url).toMatch(/^\/clusters\/root:acme:team-a\/api\/v1\/pods\?/);
    await kcp.kcp.close();
  });

  test.each([
    ['pods_get', { name: '../x' }, 'name "../x" is not valid'],
    ['pods_get', { name: 'a', namespace: 'b/c' }, 'namespace "b/c" is not valid'],
    ['pods_log', { name: 'a', container: 'b%2f' }, 'container "b%2f" is not valid'],
    ['pods_exec', { name: 'a', command: [] }, 'command: '],
    ['pods_exec', { name: 'a', command: [''] }, 'the first item names the program'],
    ['pods_exec', { name: 'a', command: ['ls', 'a\0b'] }, 'NUL'],
    ['pods_exec', { name: 'a', command: ['x'.repeat(33_000)] }, 'longer than 32 KiB'],
    ['pods_exec', { name: 'a', command: 'ls' }, 'command: '],
    ['pods_list_in_namespace', {}, 'namespace: '],
    ['pods_run', { image: 'a b' }, 'image: must be an image reference'],
    ['pods_run', { image: 'a', name: 'Web' }, 'name: must be at most 63 lower-case letters'],
    ['pods_run', { image: 'a', name: '1a' }, 'name: must be'],
    ['pods_run', { image: 'a', port: 70000 }, 'port: '],
    ['pods_run', { image: 'a', port: 80.5 }, 'port: must be a whole number'],
    ['pods_get', { name: 'a', workspace: 'root' }, 'Unrecognized key: "workspace"'],
  ])('%s %j', async (tool, args, part) => {
    expect(await bench.failure(tool, args)).toContain(part);
    expect(bench.fake.seen).toHaveLength(0);
  });

  test('a missing one, and a missing right, are told without a word of workspaces', async () => {
    bench.serve({ [`GET ${PODS}/web`]: status(404, 'pods "web" not found', { name: 'web', kind: 'pods' }) });
    expect(await bench.failure('pods_get', web)).toBe(
      'There is no Pod "web" in namespace shop of this cluster (404). List what there is with resources_list.',
    );
    bench.reset();
    const forbidden = 'pods is forbidden: User "alice@example.com" cannot list resource "pods" in API group ""';
    bench.serve({
      'GET /api/v1/pods': status(403, forbidden, { kind: 'pods' }),
      'GET /version': { body: { major: '1' } },
    });
    const text = await bench.failure('pods_list');
    expect(text).toMatch(/^alice@example.com may not list pods in this cluster \(403\)\. /);
    expect(text).not.toMatch(/workspace|kcp/i);
  });
});

describe('pods_list', () => {
  test('all namespaces, or one, with both selectors', async () => {
    bench.serve({});
    await bench.call('pods_list', { labelSelector: 'a=b', fieldSelector: 'status.phase=Running', limit: 5 });
    await bench.call('pods_list_in_namespace', { namespace: 'shop', labelSelector: 'a=b' });
    expect(bench.fake.seen.map(({ url }) => url)).toEqual([
      '/api/v1/pods?limit=5&labelSelector=a%3Db&fieldSelector=status.phase%3DRunning&includeObject=Metadata',
      '/api/v1/namespaces/shop/pods?limit=100&labelSelector=a%3Db&includeObject=None',
    ]);
  });

  test('none', async () => {
    bench.serve({ [`GET ${PODS}`]: { body: { kind: 'PodList', metadata: {}, items: [] } } });
    expect(await bench.text('pods_list_in_namespace', { namespace: 'shop' })).toBe(
      'There are no objects of kind Pod in namespace shop of this cluster.',
    );
  });
});
