// The chart, with a real helm: it holds what config/ holds, and can be installed, upgraded and uninstalled.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../e2e/cluster/control-plane.ts';
import { repoRoot } from '../../e2e/lib/cache.ts';
import { waitFor } from '../../e2e/lib/wait.ts';
import { parseOptions } from '../src/options.ts';
import { valueFlags, valueName } from './flags.ts';
import { crdsOfOthers, kustomize, manifests, tools, withOverlay, type Manifest, type Tool } from './testing/tools.ts';

const CHART = join(repoRoot, 'config/helm/kcp-mcp-operator');
const RELEASE = ['kcp-mcp-operator', CHART, '--namespace', 'kcp-mcp-operator-system'];
const CRD = 'crd/kcpmcpservers.mcp.kcp.io';

let plane: ControlPlane;
let kubectl: Tool;
let helm: Tool;

beforeAll(async () => {
  plane = await startControlPlane({ crds: await crdsOfOthers() });
  ({ kubectl, helm } = await tools(plane.kubeconfig, plane.dir));
}, 600_000);

afterAll(() => plane.stop());

const render = async (...flags: string[]): Promise<Manifest[]> =>
  manifests(await helm(['template', ...RELEASE, ...flags]));

/** Values in which every one differs from its default. */
const EVERYTHING = {
  image: {
    operator: { repository: 'registry.example.com:5000/operator', tag: '1.2.3', pullPolicy: 'Always' },
    runtime: { repository: 'registry.example.com:5000/runtime', tag: '1.2.3', digest: `sha256:${'0a'.repeat(32)}` },
  },
  imagePullSecrets: [{ name: 'registry' }],
  replicas: 2,
  flags: {
    namespace: ['one', 'two'],
    leaderElect: false,
    concurrency: 8,
    allowLocalAddresses: true,
    logLevel: 'debug',
  },
  resources: { requests: { cpu: '1' } },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [
    { topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1, labelSelector: {} },
  ],
  priorityClassName: 'system-cluster-critical',
  commonLabels: { team: 'platform' },
  clusterWideSecrets: true,
  networkPolicy: {
    enabled: true,
    ingressFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
    extraEgress: [{ ports: [{ port: 8443 }] }],
  },
  serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'prometheus' } },
};

async function valuesFile(values: object): Promise<string> {
  const file = join(plane.dir, 'values.json');
  await writeFile(file, JSON.stringify(values));
  return file;
}

const key = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** By kind and name, without what Helm adds. */
function plain(list: Manifest[]): Record<string, Manifest> {
  const ours = ['helm.sh/chart', ...['instance', 'version', 'managed-by'].map((each) => `app.kubernetes.io/${each}`)];
  return Object.fromEntries(
    list.map((manifest) => {
      const { labels = {}, annotations = {}, ...metadata } = manifest.metadata;
      const without = (map: Record<string, string>, keys: string[]) =>
        Object.fromEntries(Object.entries(map).filter(([name]) => !keys.includes(name)));
      const kept = without(annotations, ['helm.sh/resource-policy']);
      return [
        key(manifest),
        {
          ...manifest,
          metadata: {
            ...metadata,
            labels: without(labels, ours),
            ...(Object.keys(kept).length && { annotations: kept }),
          },
        },
      ];
    }),
  );
}

const withoutNamespace = (list: Manifest[]): Manifest[] => list.filter(({ kind }) => kind !== 'Namespace');

const deploymentOf = (list: Manifest[]) =>
  list.find(({ kind }) => kind === 'Deployment')?.spec as {
    replicas: number;
    template: {
      metadata: { labels: Record<string, string> };
      spec: Record<string, unknown> & {
        containers: [
          Record<string, unknown> & { image: string; args: string[]; env: { name: string; value?: string }[] },
        ];
      };
    };
  };

test('passes helm lint', async () => {
  expect(await helm(['lint', '--strict', CHART])).toContain('0 chart(s) failed');
});

test('holds, by default, what config/default holds but for the namespace, object by object', async () => {
  const expected = withoutNamespace(await kustomize(kubectl, 'config/default'));
  expect(plain(await render())).toEqual(plain(expected));
});

test('holds, with everything on, what the components of config/ add', async () => {
  const components = ['cluster-wide-secrets', 'network-policy', 'service-monitor'];
  const expected = await withOverlay(
    { components: components.map((name) => `../../config/components/${name}`) },
    (folder) => kustomize(kubectl, folder),
  );
  const on = ['--set=clusterWideSecrets=true,networkPolicy.enabled=true,serviceMonitor.enabled=true'];
  expect(plain(await render(...on))).toEqual(plain(withoutNamespace(expected)));
});

test('is accepted by the API server, by default and with every value set', async () => {
  await kubectl(['create', 'namespace', 'kcp-mcp-operator-system']);
  for (const values of [{}, EVERYTHING]) {
    const yaml = await helm(['template', ...RELEASE, '--values', await valuesFile(values)]);
    await kubectl(['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'], yaml);
  }
});

test('takes the release’s namespace everywhere', async () => {
  const yaml = await helm([
    'template',
    'other',
    CHART,
    '--namespace',
    '2026',
    '--values',
    await valuesFile(EVERYTHING),
  ]);
  expect(yaml).not.toContain('kcp-mcp-operator-system');
  const bindings = manifests(yaml).filter(({ kind }) => kind.endsWith('Binding'));
  expect(bindings).toHaveLength(3);
  for (const { subjects } of bindings) expect(subjects).toEqual([expect.objectContaining({ namespace: '2026' })]);
});

describe('values', () => {
  let all: Manifest[];
  beforeAll(async () => {
    all = await render('--values', await valuesFile(EVERYTHING));
  });

  test('reach the Pod', () => {
    const { replicas, template } = deploymentOf(all);
    const { containers, ...pod } = template.spec;
    const { imagePullSecrets, nodeSelector, tolerations, affinity, topologySpreadConstraints, priorityClassName } =
      EVERYTHING;
    expect(replicas).toBe(2);
    expect(template.metadata.labels['team']).toBe('platform');
    expect(pod).toMatchObject({
      imagePullSecrets,
      nodeSelector,
      tolerations,
      affinity,
      topologySpreadConstraints,
      priorityClassName,
    });
    const [{ image, imagePullPolicy, resources, env }] = containers;
    expect({ image, imagePullPolicy, resources }).toMatchObject({
      image: 'registry.example.com:5000/operator:1.2.3',
      imagePullPolicy: 'Always',
      resources: { requests: { cpu: '1' } },
    });
    expect(env).toContainEqual({
      name: 'RUNTIME_IMAGE',
      value: `registry.example.com:5000/runtime:1.2.3@sha256:${'0a'.repeat(32)}`,
    });
  });

  test('are flags that the operator understands', () => {
    const [{ args }] = deploymentOf(all).template.spec.containers;
    expect(parseOptions(args, {}, '0.0.0')).toMatchObject({
      run: {
        namespaces: ['one', 'two'],
        leaderElect: false,
        concurrency: 8,
        allowLocalAddresses: true,
        logLevel: 'debug',
      },
    });
    // Whoever adds a flag sees here that it is a value, too.
    expect(Object.keys(EVERYTHING.flags).sort()).toEqual(valueFlags.map(valueName).sort());
  });

  test('reach the other objects', () => {
    for (const { metadata } of all) expect(metadata.labels).toMatchObject({ team: 'platform' });
    const one = (kind: string) => all.find((each) => each.kind === kind);
    expect(one('NetworkPolicy')?.spec).toMatchObject({
      ingress: [{ from: EVERYTHING.networkPolicy.ingressFrom }],
      egress: expect.arrayContaining(EVERYTHING.networkPolicy.extraEgress),
    });
    expect(one('ServiceMonitor')).toMatchObject({
      metadata: { labels: { release: 'prometheus' } },
      spec: { endpoints: [{ port: 'metrics', interval: '30s' }] },
    });
  });

  test.each([
    ['flags.loglevel=debug', /loglevel/],
    ['flags.logLevel=loud', /logLevel/],
    ['replica=2', /replica/],
    ['image.operator.digest=latest', /digest/],
    ['commonLabels.app\\.kubernetes\\.io/name=other', /commonLabels/],
  ])('%s is refused', async (setting, message) => {
    await expect(render('--set', setting)).rejects.toThrow(message);
  });

  test('crds.enabled=false leaves the CRD to somebody else', async () => {
    const kinds = (await render('--set', 'crds.enabled=false')).map(({ kind }) => kind);
    expect(kinds).not.toContain('CustomResourceDefinition');
  });
});

describe('a release', () => {
  const columns = async (): Promise<string> =>
    kubectl(['get', CRD, '-o', 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}']);

  test('is installed, upgraded with its CRD, and uninstalled without', async () => {
    const namespace = ['--namespace', 'mcp-operator'];
    const older = join(plane.dir, 'older');
    await olderChart(older);
    await helm(['install', 'mcp', older, ...namespace, '--create-namespace']);
    expect(await columns()).not.toContain('CERT-EXPIRY');
    await kubectl(['wait', '--for=condition=Established', CRD, '--timeout=30s']);
    await kubectl(['create', 'namespace', 'kcp-mcp']);
    const apply = () => kubectl(['apply', '-f', join(repoRoot, 'config/samples/kcpmcpserver.yaml')]);
    await waitFor('the kind to be served', apply, { deadlineMs: 10_000 });

    await helm(['upgrade', 'mcp', CHART, ...namespace, '--set', 'flags.logLevel=debug']);
    expect(await columns()).toContain('CERT-EXPIRY');
    const args = await kubectl(['get', 'deployment', 'kcp-mcp-operator', ...namespace, '-o', 'jsonpath={..args}']);
    expect(args).toContain('--log-level=debug');

    await helm(['uninstall', 'mcp', ...namespace]);
    expect(await kubectl(['get', 'deployments,clusterroles', ...namespace, '-o', 'name'])).not.toContain(
      'kcp-mcp-operator',
    );
    expect(await kubectl(['get', 'kcpmcpservers', '-A', '-o', 'name'])).toBe('kcpmcpserver.mcp.kcp.io/vespucci\n');

    // The CRD that stayed is taken up again.
    await helm(['install', 'mcp', CHART, ...namespace]);
    await helm(['uninstall', 'mcp', ...namespace]);
  }, 60_000);

  test('takes over what was applied with kustomize', async () => {
    await kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(repoRoot, 'config/default')]);
    const namespace = ['--namespace', 'kcp-mcp-operator-system'];
    await expect(helm(['install', ...RELEASE])).rejects.toThrow(/ownership/);
    await helm(['install', ...RELEASE, '--take-ownership', '--force-conflicts', '--set=replicas=2']);
    const replicas = await kubectl([
      'get',
      'deployment',
      'kcp-mcp-operator',
      ...namespace,
      '-o=jsonpath={.spec.replicas}',
    ]);
    expect(replicas).toBe('2');
  }, 30_000);

  /** The chart as an earlier version might have been: a CRD with a column less. */
  async function olderChart(folder: string): Promise<void> {
    await cp(CHART, folder, { recursive: true });
    const file = join(folder, 'templates/crd.yaml');
    const text = await readFile(file, 'utf8');
    const without = text.replace(/^ *- name: CERT-EXPIRY\n(?: {10}.*\n)+/m, '');
    expect(without).not.toBe(text);
    await writeFile(file, without);
  }
});
