// What GitOps tools are given, and what they see, on a real API server with the real operator.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repoRoot } from '../../e2e/lib/cache.ts';
import { waitFor } from '../../e2e/lib/wait.ts';
import { NAME, newCase, SOURCE, type Case } from '../src/reconcile/testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from '../src/reconcile/testing/environment.ts';
import { crdsOfOthers, kustomize, tools, withOverlay, type Manifest, type Tool } from './testing/tools.ts';
import { judge, type Verdict } from './testing/verdict.ts';

let env: Environment;
let kubectl: Tool;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs(), ...(await crdsOfOthers())]);
  ({ kubectl } = await tools(env.plane.kubeconfig, env.plane.dir));
}, 600_000);

afterAll(() => env.stop());

const DRY_RUN = ['apply', '--server-side', '--dry-run=server', '--validate=strict'];

describe('kustomize', () => {
  test.each(['cluster-wide-secrets', 'network-policy', 'service-monitor'])(
    'the component %s adds to config/default',
    async (component) => {
      const components = [`../../config/components/${component}`];
      const added = await withOverlay({ components }, async (folder) => {
        await kubectl([...DRY_RUN, '-k', join(repoRoot, folder)]);
        return kustomize(kubectl, folder);
      });
      const names = (list: Manifest[]) => list.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      const before = names(await kustomize(kubectl, 'config/default'));
      expect(names(added)).toEqual(expect.arrayContaining(before));
      expect(added.length).toBeGreaterThan(before.length);
    },
  );

  test('the policy and the monitor select what they are about', async () => {
    const all = await withOverlay(
      { components: ['../../config/components/network-policy', '../../config/components/service-monitor'] },
      (folder) => kustomize(kubectl, folder),
    );
    const one = (kind: string, name = 'kcp-mcp-operator') =>
      all.find(({ kind: is, metadata }) => is === kind && metadata.name === name);
    const pod = one('Deployment')?.spec?.['template'] as Manifest;
    const service = one('Service', 'kcp-mcp-operator-metrics');
    expect(pod.metadata.labels).toMatchObject(
      (one('NetworkPolicy')?.spec as { podSelector: { matchLabels: object } }).podSelector.matchLabels,
    );
    const monitor = one('ServiceMonitor')?.spec as {
      selector: { matchLabels: object };
      endpoints: [{ port: string }];
    };
    expect(service?.metadata.labels).toMatchObject(monitor.selector.matchLabels);
    expect((service?.spec as { ports: object[] }).ports).toContainEqual(
      expect.objectContaining({ name: monitor.endpoints[0].port }),
    );
  });
});

describe('Argo CD', () => {
  test('the samples are accepted, and the ConfigMap leaves what is in argocd-cm', async () => {
    await kubectl(['create', 'namespace', 'argocd']);
    await kubectl([
      '-n',
      'argocd',
      'create',
      'configmap',
      'argocd-cm',
      '--from-literal=url=https://argocd.example.com',
    ]);
    await kubectl(['apply', '--server-side', '--validate=strict', '-k', join(repoRoot, 'config/argocd')]);
    const { data } = JSON.parse(await kubectl(['-n', 'argocd', 'get', 'configmap', 'argocd-cm', '-o', 'json'])) as {
      data: Record<string, string>;
    };
    expect(data).toEqual({
      url: 'https://argocd.example.com',
      'resource.customizations.health.mcp.kcp.io_KcpMcpServer': await readFile(
        join(repoRoot, 'config/argocd/health.lua'),
        'utf8',
      ),
    });
  });

  test('the Applications name folders that there are', async () => {
    const applications = (await kustomize(kubectl, 'config/argocd')).filter(({ kind }) => kind === 'Application');
    const paths = applications.map(({ spec }) => (spec?.['source'] as { path: string }).path);
    expect(paths).toEqual(['config/default', 'config/samples']);
    for (const path of paths) expect((await stat(join(repoRoot, path, 'kustomization.yaml'))).isFile()).toBe(true);
  });
});

describe('Flux', () => {
  test('the samples are accepted, and name folders that there are', async () => {
    await kubectl(['create', 'namespace', 'flux-system']);
    await kubectl(['apply', '--validate=strict', '-k', join(repoRoot, 'config/flux')]);
    const kustomizations = (await kustomize(kubectl, 'config/flux')).filter(({ kind }) => kind === 'Kustomization');
    const paths = kustomizations.map(({ spec }) => spec?.['path'] as string);
    expect(paths).toEqual(['./config/default', './config/samples']);
    for (const path of paths) expect((await stat(join(repoRoot, path, 'kustomization.yaml'))).isFile()).toBe(true);
  });

  test('the CRD is kept when the Kustomization is deleted', async () => {
    const operator = (await kustomize(kubectl, 'config/flux')).find(
      ({ kind, metadata }) => kind === 'Kustomization' && metadata.name === 'kcp-mcp-operator',
    );
    const built = await withOverlay({ patches: operator?.spec?.['patches'] }, (folder) => kustomize(kubectl, folder));
    const crd = built.find(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crd?.metadata.annotations).toEqual({ 'kustomize.toolkit.fluxcd.io/prune': 'disabled' });
  });
});

describe('a KcpMcpServer', () => {
  let it: Case;
  const verdict = async (): Promise<{ argocd: string; kstatus: string; message: string }> => {
    const [{ argocd, kstatus }] = (await judge([await it.server()])) as [Verdict];
    return { argocd: argocd.status, kstatus: kstatus.status, message: argocd.message };
  };
  /** What kubectl get shows of it, by column: columns begin where their header does. */
  const get = async (): Promise<Record<string, string>> => {
    const table = await kubectl(['get', 'kcpmcp', '-n', it.namespace, '-o', 'wide']);
    const [header = '', row = ''] = table.split('\n');
    return Object.fromEntries(
      [...header.matchAll(/\S+( *)/g)].map(({ 0: column, 1: space, index }) => [
        column.trim(),
        row.slice(index, space ? index + column.length : undefined).trim(),
      ]),
    );
  };

  beforeAll(async () => {
    it = await newCase(env);
  });

  test('is in progress before the operator has seen it', async () => {
    await it.createServer();
    expect(await verdict()).toMatchObject({ argocd: 'Progressing', kstatus: 'InProgress' });
  });

  test('is in progress while a reference is missing, and says which', async () => {
    await env.startOperator();
    await it.condition('Ready', 'False', 'NotFound');
    expect(await verdict()).toEqual({
      argocd: 'Progressing',
      kstatus: 'InProgress',
      message: expect.stringContaining(`Kubeconfig ${it.source}/${SOURCE} not found`),
    });
    await expect(kubectl(waitForReady('0s'))).rejects.toThrow(/timed out|condition not met/);
    expect(await get()).toMatchObject({ NAME, READY: 'False', REASON: 'NotFound' });
  }, 30_000);

  const waitForReady = (timeout: string) => [
    ...['wait', '--for=condition=Ready', `kcpmcpserver/${NAME}`, '-n', it.namespace, `--timeout=${timeout}`],
  ];

  test('is ready for kubectl wait, Argo CD, Flux and kubectl get alike', async () => {
    const waiting = kubectl(waitForReady('30s'));
    await it.createSource();
    await it.issueCertificate();
    await it.runPods();
    expect(await waiting).toBe(`kcpmcpserver.mcp.kcp.io/${NAME} condition met\n`);
    expect(await verdict()).toMatchObject({ argocd: 'Healthy', kstatus: 'Current' });
    expect(await get()).toMatchObject({
      READY: 'True',
      URL: 'https://mcp.vespucci.example.com/mcp',
      REPLICAS: '1',
      AGE: expect.stringMatching(/^\d+s$/),
      ISSUER: 'https://auth.example.com',
      KCP: 'https://kcp.example.com:6443',
      'CERT-EXPIRY': '2036-01-01T00:00:00Z',
      REASON: 'Succeeded',
    });
  }, 40_000);

  test('applying the same manifest again, as Argo CD and Flux do, changes nothing', async () => {
    const { metadata } = await it.server();
    const manifest = {
      apiVersion: 'mcp.kcp.io/v1alpha1',
      kind: 'KcpMcpServer',
      metadata: { name: NAME, namespace: it.namespace },
      spec: {
        hostname: 'mcp.vespucci.example.com',
        kcp: { kubeconfigRef: { name: SOURCE, namespace: it.source } },
        auth: { oidc: { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' } },
        tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
      },
    };
    const flags = [
      '--server-side',
      '--force-conflicts',
      '--field-manager=gitops',
      '--dry-run=server',
      '-o=json',
      '-f-',
    ];
    const after = JSON.parse(await kubectl(['apply', ...flags], JSON.stringify(manifest))) as Manifest;
    expect(after.metadata.generation).toBe(metadata.generation);
    expect(after.spec).toEqual((await it.server()).spec);
  });

  test('is in progress again as soon as its spec changes, though it was ready a moment ago', async () => {
    // As it is before the operator gets to it: what the API server answers to the change.
    const { status, metadata, ...rest } = await it.server();
    const changed = { ...rest, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 }, status };
    const [{ argocd, kstatus }] = (await judge([changed])) as [Verdict];
    expect([argocd.status, kstatus.status]).toEqual(['Progressing', 'InProgress']);
  });

  test('is suspended for Argo CD when it is scaled to zero', async () => {
    await it.patch('KcpMcpServer', NAME, { spec: { deployment: { replicas: 0 } } });
    await it.condition('Available', 'False', 'ScaledToZero');
    expect(await verdict()).toMatchObject({ argocd: 'Suspended' });
    await it.patch('KcpMcpServer', NAME, { spec: { deployment: { replicas: 1 } } });
    const scaled = async () => (await it.child('Deployment', 'mcp')).spec?.['replicas'] === 1;
    await waitFor('the Deployment to be scaled', scaled, { deadlineMs: 10_000 });
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 30_000);

  test('is degraded, and failed for Flux, when it is stalled', async () => {
    await it.patch('Service', `${NAME}-mcp`, { metadata: { ownerReferences: null, labels: null } });
    await it.condition('Stalled', 'True', 'Conflict');
    expect(await verdict()).toEqual({
      argocd: 'Degraded',
      kstatus: 'Failed',
      message: expect.stringMatching(/^Conflict: Service .* exists already/),
    });
  }, 30_000);

  test('is terminating while a finalizer holds it', async () => {
    await it.patch('KcpMcpServer', NAME, { metadata: { finalizers: ['example.com/hold'] } });
    await it.remove('KcpMcpServer', NAME);
    await waitFor('deletion', async () => (await it.server()).metadata.deletionTimestamp, { deadlineMs: 5_000 });
    expect(await verdict()).toMatchObject({ argocd: 'Progressing', kstatus: 'Terminating' });
    await it.patch('KcpMcpServer', NAME, { metadata: { finalizers: [] } });
  });
});
