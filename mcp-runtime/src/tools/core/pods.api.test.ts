import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { waitFor } from '../../../../e2e/lib/wait.ts';
import { startApiFront } from '../../testing/api-front.ts';
import type { ApiFront } from '../../testing/api-front.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

// Tools about Pods, events and metrics on a real API server without nodes: what a Pod is before it runs, what is admitted, how
// events are listed and selected. The metrics API is played by custom resources of its group, with the shapes of metrics-server.

let front: ApiFront;
/** The one cluster that there is; its API lies below a path. */
let bench: ToolBench;

beforeAll(async () => {
  front = await startApiFront();
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [
    { apiGroups: [''], resources: ['pods', 'pods/log', 'pods/exec', 'services', 'events', 'nodes'], verbs: ['*'] },
    { apiGroups: ['metrics.k8s.io', 'project.openshift.io'], resources: ['*'], verbs: ['get', 'list'] },
  ];
  await front.admin('POST', `${rbac}/clusterroles`, { metadata: { name: 'pods' }, rules });
  await front.admin('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'pods' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pods' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
  });
  for (const [name, labels] of [
    ['shop', {}],
    // Of its own: the API server itself reports on the Services of a namespace at times.
    ['told', {}],
    ['warned', { 'pod-security.kubernetes.io/warn': 'restricted' }],
    ['guarded', { 'pod-security.kubernetes.io/enforce': 'restricted' }],
  ] as const) {
    await front.admin('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  }
  bench = createBench(front, { cluster_provider_strategy: 'kubeconfig' });
}, 120_000);

afterAll(async () => {
  await bench.kcp.close();
  await front.stop();
}, 60_000);

const read = (path: string) => front.admin('GET', path);
const web = { namespace: 'shop', name: 'web' };

describe('Pods', () => {
  test('are run, listed, shown and deleted with their Service', async () => {
    const made = parse(await bench.text('pods_run', { ...web, image: 'nginx:1.29', port: 8080 })) as unknown;
    expect(made).toMatchObject([
      { kind: 'Pod', metadata: web, spec: { containers: [{ image: 'nginx:1.29', imagePullPolicy: 'IfNotPresent' }] } },
      { kind: 'Service', metadata: web, spec: { ports: [{ port: 8080, targetPort: 8080 }], type: 'ClusterIP' } },
    ]);
    const service = (await read('/api/v1/namespaces/shop/services/web')) as { spec: { selector: object } };
    const pod = (await read('/api/v1/namespaces/shop/pods/web')) as { metadata: { labels: object } };
    expect(pod).toMatchObject({ metadata: { managedFields: [{ manager: 'kcp-mcp' }] } });
    expect(pod.metadata.labels).toMatchObject(service.spec.selector);

    expect(await bench.text('pods_list_in_namespace', { namespace: 'shop' })).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE\nweb +0\/1 +Pending +0 +\d+s$/,
    );
    const selected = { labelSelector: 'app.kubernetes.io/managed-by=kcp-mcp', fieldSelector: 'status.phase=Pending' };
    expect(await bench.text('pods_list', selected)).toMatch(/^NAMESPACE +NAME .*\nshop +web +0\/1/);
    expect(await bench.text('pods_list', { fieldSelector: 'status.phase=Running' })).toBe(
      'There are no objects of kind Pod that the selectors match in this cluster.',
    );
    expect(await bench.failure('pods_list', { fieldSelector: 'status.phases=x' })).toContain(
      'the API server answered 400: field label not supported: status.phases',
    );
    expect(parse(await bench.text('pods_get', web))).toMatchObject({ kind: 'Pod', status: { phase: 'Pending' } });

    expect(await bench.text('pods_delete', web)).toBe('Pod shop/web is deleted.\nService shop/web is deleted, too.');
    await expect(read('/api/v1/namespaces/shop/services/web')).rejects.toThrow('404');
    expect(await bench.failure('pods_delete', web)).toContain('There is no Pod "web" in namespace shop');
  });

  test('that exist are nobody else’s to run', async () => {
    await bench.text('pods_run', { namespace: 'shop', name: 'taken', image: 'nginx' });
    const text = await bench.failure('pods_run', { namespace: 'shop', name: 'taken', image: 'other', port: 80 });
    expect(text).toContain('already exists');
    expect(await read('/api/v1/namespaces/shop/pods/taken')).toMatchObject({
      spec: { containers: [{ image: 'nginx' }] },
    });
    expect(await read('/api/v1/namespaces/shop/services')).toMatchObject({ items: [] });
  });

  test('that are only half what a namespace wants: its warnings; that are refused: why', async () => {
    expect(await bench.text('pods_run', { namespace: 'warned', image: 'nginx' })).toMatch(
      /^# .*\n# Warning: would violate PodSecurity "restricted:latest": /,
    );
    expect(await bench.failure('pods_run', { namespace: 'guarded', image: 'nginx', port: 80 })).toContain(
      'violates PodSecurity "restricted:latest"',
    );
    expect(await read('/api/v1/namespaces/guarded/services')).toMatchObject({ items: [] });
  });

  test('that run nowhere yet have no log, and nothing can be run in them', async () => {
    const pod = { namespace: 'shop', name: 'taken' };
    expect(await bench.text('pods_log', pod)).toBe(
      'Nothing was logged by the container taken of Pod shop/taken (not started).',
    );
    expect(await bench.failure('pods_exec', { ...pod, command: ['ls'] })).toBe(
      "Container taken of Pod shop/taken isn't running (not started).",
    );
  });

  test('are not for everybody', async () => {
    expect(await bench.failure('pods_list', {}, 'bob')).toMatch(/^bob may not list pods in this cluster \(403\)/);
    expect(await bench.failure('pods_run', { image: 'nginx' }, 'bob')).toContain(
      'bob may not create pods "kcp-mcp-run-',
    );
    const checked = createBench(front, { cluster_provider_strategy: 'kubeconfig', validation_enabled: true });
    expect(await checked.failure('pods_run', { image: 'nginx' }, 'bob')).toContain('PERMISSION_DENIED');
    await checked.kcp.close();
  });

  test('of a workspace are asked for below its path', async () => {
    const kcp = createBench(front);
    front.seen.length = 0;
    expect(await kcp.text('pods_list', { workspace: 'root' })).toContain('taken');
    expect(front.seen[0]).toMatch(/^GET \/clusters\/root\/api\/v1\/pods\?/);
    await kcp.kcp.close();
  });
});

describe('events', () => {
  const at = (minutes: number) => new Date(bench.time.now - minutes * 60_000).toISOString();
  const involvedObject = { apiVersion: 'v1', kind: 'Pod', namespace: 'told', name: 'web' };

  beforeAll(async () => {
    const core = '/api/v1/namespaces/told/events';
    const event = (name: string, fields: object) => ({ metadata: { name, namespace: 'told' }, involvedObject, ...fields });
    const times = (minutes: number) => ({ firstTimestamp: at(minutes + 60), lastTimestamp: at(minutes) });
    await front.admin('POST', core, event('a', { type: 'Normal', reason: 'Pulled', message: 'pulled', ...times(30) }));
    await front.admin('POST', core, event('b', { type: 'Warning', reason: 'BackOff', message: 'restarting', count: 12, ...times(1) }));
    // As newer reporters write them: no lastTimestamp.
    await front.admin('POST', '/apis/events.k8s.io/v1/namespaces/told/events', {
      metadata: { name: 'c', namespace: 'told' },
      eventTime: at(100).replace('Z', '000Z'),
      series: { count: 5, lastObservedTime: at(10).replace('Z', '000Z') },
      reportingController: 'test',
      reportingInstance: 'test',
      action: 'Probing',
      regarding: involvedObject,
      type: 'Warning',
      reason: 'Unhealthy',
      note: 'no answer',
    });
  }); // prettier-ignore

  test('are listed newest first', async () => {
    expect(await bench.text('events_list', { namespace: 'told' })).toBe(
      [
        'LAST SEEN   COUNT   TYPE      REASON      OBJECT    MESSAGE',
        '60s         12      Warning   BackOff     pod/web   restarting',
        '10m         5       Warning   Unhealthy   pod/web   no answer',
        '30m         1       Normal    Pulled      pod/web   pulled',
      ].join('\n'),
    );
  });

  test('are selected by the API server, and go on where they were cut', async () => {
    const warnings = { namespace: 'told', fieldSelector: 'type=Warning,involvedObject.name=web', limit: 1 };
    const first = await bench.text('events_list', warnings);
    expect(first).toContain('restarting');
    const next = /\[cut after 1: 1 more follow; .* continue: "([^"]+)"\]$/.exec(first)?.[1];
    const second = await bench.text('events_list', { ...warnings, continue: next });
    expect(second).toMatch(/no answer$/);
    expect(await bench.text('events_list', { fieldSelector: 'type=Nothing' })).toBe(
      'There are no events that the selector matches in this cluster.',
    );
    expect(await bench.failure('events_list', { fieldSelector: 'kind=x' })).toContain(
      'field label not supported: kind',
    );
  });
});

/** Serves a kind of an API group that is usually an aggregated API server's. */
async function serveKind(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
): Promise<void> {
  await front.admin('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  await waitFor(`${plural} to be served`, () => read(`/apis/${group}/${version}/${plural}`), {
    deadlineMs: 30_000,
    intervalMs: 50,
  });
}

describe('APIs that a cluster may have', () => {
  const METRICS = '/apis/metrics.k8s.io/v1beta1';

  test('metrics', async () => {
    expect(await bench.failure('pods_top')).toContain('which has to be installed there');
    expect(await bench.failure('nodes_top')).toContain('which has to be installed there');
    await serveKind('metrics.k8s.io', 'v1beta1', 'pods', 'PodMetrics', true);
    await serveKind('metrics.k8s.io', 'v1beta1', 'nodes', 'NodeMetrics', false);
    const meta = { apiVersion: 'metrics.k8s.io/v1beta1', timestamp: '2026-11-22T19:59:30Z', window: '15s' };
    const container = (name: string, cpu: string, memory: string) => ({ name, usage: { cpu, memory } });
    await front.admin('POST', `${METRICS}/namespaces/shop/pods`, {
      ...meta,
      kind: 'PodMetrics',
      metadata: { ...web, labels: { app: 'web' } },
      containers: [container('app', '4813563n', '65032Ki'), container('proxy', '1m', '10Mi')],
    });
    await front.admin('POST', `${METRICS}/nodes`, {
      ...meta,
      kind: 'NodeMetrics',
      metadata: { name: 'n1' },
      usage: { cpu: '338184401n', memory: '1983756Ki' },
    });
    await front.admin('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
    await front.admin(
      'PATCH',
      '/api/v1/nodes/n1/status',
      { status: { allocatable: { cpu: '2', memory: '3968Mi' } } },
      'application/merge-patch+json',
    );
    expect(await bench.text('pods_top', { label_selector: 'app=web' })).toBe(
      [
        'NAMESPACE   POD     NAME    CPU(CORES)   MEMORY(BYTES)',
        'shop        web     app     5m           63Mi',
        'shop        web     proxy   1m           10Mi',
        'shop        web     (all)   6m           73Mi',
        'TOTAL       1 Pod           6m           73Mi',
      ].join('\n'),
    );
    expect(await bench.text('pods_top', { ...web })).toContain('shop        web     app     5m');
    expect(await bench.text('pods_top', { label_selector: 'app=x' })).toContain('There are no metrics of Pods');
    expect(await bench.failure('pods_top', { ...web, name: 'x' })).toContain('There are no metrics of Pod shop/x');
    expect(await bench.text('nodes_top')).toBe(
      [
        'NAME   CPU(CORES)   CPU(%)   MEMORY(BYTES)   MEMORY(%)',
        'n1     339m         16%      1937Mi          48%',
      ].join('\n'),
    );
    expect(await bench.failure('nodes_top', {}, 'bob')).toContain('bob may not list nodes.metrics.k8s.io');
  });

  test('OpenShift projects', async () => {
    expect(await bench.failure('projects_list')).toBe(
      'This cluster is not OpenShift: it has no projects (project.openshift.io). namespaces_list lists its namespaces.',
    );
    await serveKind('project.openshift.io', 'v1', 'projects', 'Project', false);
    expect(await bench.text('projects_list')).toBe('There are no objects of kind Project in this cluster.');
    await front.admin('POST', '/apis/project.openshift.io/v1/projects', {
      apiVersion: 'project.openshift.io/v1',
      kind: 'Project',
      metadata: { name: 'shop' },
    });
    expect(await bench.text('projects_list')).toMatch(/^NAME +AGE\nshop +\S+$/);
    expect(parse(await bench.text('projects_list', { output: 'yaml' }))).toMatchObject([{ kind: 'Project' }]);
  });

  test('nodes without a kubelet', async () => {
    expect(await bench.failure('nodes_log', { name: 'none', query: 'kubelet' })).toContain('nodes');
    expect(await bench.failure('nodes_stats_summary', { name: 'none' })).toContain('none');
  });
});
