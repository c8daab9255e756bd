// config/ on a real API server: it applies as it is, gives the operator the rights that it needs, and none that it must
// not have.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { type ControlPlane, startControlPlane } from '../e2e/cluster/control-plane.ts';
import { gatewayAPICRDs } from '../e2e/cluster/gateway-api.ts';
import { ensureBinaries } from '../e2e/cluster/toolchain.ts';
import { silent } from '../e2e/lib/progress.ts';
import { waitFor } from '../e2e/lib/wait.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const OPERATOR = 'system:serviceaccount:kcp-mcp-operator-system:kcp-mcp-operator';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  spec?: { template?: { metadata: object; spec: object } };
}

let plane: ControlPlane;
let binary: string;
let scratch: string;

beforeAll(async () => {
  // For kubectl, which takes the group of a kind that isn't served for something else.
  plane = await startControlPlane({ crds: Object.values(await gatewayAPICRDs()) });
  binary = (await ensureBinaries(['kubectl'], silent)).kubectl;
  scratch = await mkdtemp(join(plane.dir, 'config-'));
}, 600_000);

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  await plane.stop();
});

/** kubectl as an administrator. */
const kubectl = async (...args: string[]) =>
  (await run(binary, ['--kubeconfig', plane.kubeconfig, ...args], { maxBuffer: 16 << 20 })).stdout;

/** kubectl as the operator's ServiceAccount. */
const asOperator = (...args: string[]) => kubectl('--as', OPERATOR, ...args);

const build = async (folder: string) =>
  parseAllDocuments((await run(binary, ['kustomize', folder], { maxBuffer: 16 << 20 })).stdout).map(
    (document) => document.toJS() as Manifest,
  );

async function applyObject(object: object, apply = kubectl, ...flags: string[]): Promise<string> {
  const file = join(scratch, 'object.yaml');
  await writeFile(file, stringify(object));
  return apply('apply', '--server-side', '-f', file, ...flags);
}

const secret = (namespace: string, name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData: data,
});

/** Rules of all roles of a kind that say anything about Secrets. */
const secretRules = (manifests: Manifest[], kind: string) =>
  manifests
    .filter((manifest) => manifest.kind === kind)
    .flatMap(({ rules = [] }) => rules)
    .filter(({ apiGroups }) => apiGroups.includes('*') || apiGroups.includes(''))
    .filter(({ resources }) => resources.some((each) => each === '*' || each.startsWith('secrets')));

describe('config/default', () => {
  test('applies with strict validation', async () => {
    await kubectl('apply', '-k', join(root, 'config/default'), '--validate=strict');
    await kubectl('wait', '--for=condition=Established', 'crd/kcpmcpservers.mcp.kcp.io', '--timeout=30s');
    // A second time there is nothing to do.
    const again = await kubectl('apply', '-k', join(root, 'config/default'));
    expect(
      again
        .trim()
        .split('\n')
        .filter((line) => !line.endsWith('unchanged')),
    ).toEqual([]);
  });

  test('has no rule about Secrets, and no wildcard', async () => {
    const manifests = await build(join(root, 'config/default'));
    expect(secretRules(manifests, 'ClusterRole')).toEqual([]);
    expect(secretRules(manifests, 'Role')).toEqual([]);
    expect(JSON.stringify(manifests.map(({ rules }) => rules))).not.toContain('*');
  });

  test('its Pod is admitted under the restricted profile', async () => {
    const deployment = (await build(join(root, 'config/default'))).find(({ kind }) => kind === 'Deployment');
    const { metadata, spec } = deployment?.spec?.template ?? {};
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'probe', namespace: 'kcp-mcp-operator-system' },
      spec,
    };
    await expect(applyObject(pod, kubectl, '--dry-run=server')).resolves.toContain('serverside-applied');
  });
});

describe('config/samples', () => {
  test('applies with strict validation, the full one too', async () => {
    await kubectl('create', 'namespace', 'kcp-vespucci');
    const crds = join(root, 'operator/testdata/crds');
    await kubectl('apply', '--server-side', '-f', crds);
    await kubectl('wait', '--for=condition=Established', '-f', crds, '--timeout=30s');
    const samples = () => kubectl('apply', '-k', join(root, 'config/samples'), '--validate=strict');
    await waitFor('the samples to apply', samples, { deadlineMs: 30_000 });
    for (const sample of ['full', 'exposure', 'shared-identity']) {
      const file = join(root, `config/samples/kcpmcpserver-${sample}.yaml`);
      await kubectl('apply', '--validate=strict', '--dry-run=server', '-f', file);
    }
    expect(await kubectl('get', 'kcpmcp', '-n', 'kcp-mcp', '-o', 'name')).toBe('kcpmcpserver.mcp.kcp.io/vespucci\n');
    await kubectl('apply', '-k', join(root, 'config/samples/front-proxy'), '--validate=strict', '--dry-run=server');
  });
});

describe('the operator', () => {
  beforeAll(async () => {
    await applyObject(secret('kcp-vespucci', 'kcp-mcp-kubeconfig'));
    await applyObject(secret('kcp-vespucci', 'another'));
    await applyObject(secret('kcp-mcp', 'another'));
    const canRead = () => asOperator('get', 'secret', 'kcp-mcp-kubeconfig', '-n', 'kcp-vespucci');
    await waitFor('the authorizer to know the Roles', canRead, { deadlineMs: 10_000 });
  });

  const watchPath = (namespace: string, query: string) =>
    `/api/v1/namespaces/${namespace}/secrets?watch=1&timeoutSeconds=1${query}`;
  const named = (name: string) => `&fieldSelector=metadata.name%3D${name}`;

  test('watches the source Secret by name, and no other', async () => {
    const watched = await asOperator('get', '--raw', watchPath('kcp-vespucci', named('kcp-mcp-kubeconfig')));
    expect(watched).toContain('"type":"ADDED"');
    const refused = [
      ['get', '--raw', watchPath('kcp-vespucci', '')],
      ['get', '--raw', watchPath('kcp-vespucci', named('another'))],
      ['get', '--raw', watchPath('kcp-mcp', named('another'))],
      ['get', 'secret', 'another', '-n', 'kcp-vespucci'],
      ['get', 'secrets', '-n', 'kcp-vespucci'],
      ['get', 'secrets', '-A'],
      ['delete', 'secret', 'kcp-mcp-kubeconfig', '-n', 'kcp-vespucci'],
      ['delete', 'secret', 'another', '-n', 'kcp-mcp'],
      ['delete', 'secret', 'vespucci-mcp-tls', '-n', 'kcp-mcp'],
    ];
    for (const args of refused) await expect(asOperator(...args)).rejects.toThrow(/forbidden/i);
    await expect(applyObject(secret('kcp-vespucci', 'kcp-mcp-kubeconfig', { a: 'b' }), asOperator)).rejects.toThrow(
      /forbidden/i,
    );
  });

  test('creates, changes and watches its copy by name, by server-side apply only', async () => {
    const copy = (value: string) => secret('kcp-mcp', 'vespucci-mcp-kubeconfig', { kubeconfig: value });
    await applyObject(copy('one'), asOperator);
    await applyObject(copy('two'), asOperator);
    expect(await asOperator('get', '--raw', watchPath('kcp-mcp', named('vespucci-mcp-kubeconfig')))).toContain('ADDED');

    // A POST names no object, so a right that is restricted to a name doesn't cover it.
    await expect(asOperator('create', 'secret', 'generic', 'vespucci-mcp-kubeconfig', '-n', 'kcp-mcp')).rejects.toThrow(
      /forbidden/i,
    );
    await expect(applyObject(secret('kcp-mcp', 'unnamed'), asOperator)).rejects.toThrow(/forbidden/i);
    // For the day when the source withdraws its consent.
    await asOperator('delete', 'secret', 'vespucci-mcp-kubeconfig', '-n', 'kcp-mcp');
  });

  test("sees whether the name of the certificate's Secret is free, and cannot write it", async () => {
    await expect(asOperator('get', 'secret', 'vespucci-mcp-tls', '-n', 'kcp-mcp')).rejects.toThrow(/not found/i);
    await expect(applyObject(secret('kcp-mcp', 'vespucci-mcp-tls'), asOperator)).rejects.toThrow(/forbidden/i);
  });

  const can = async (verb: string, resource: string, ...flags: string[]) =>
    (
      await asOperator('auth', 'can-i', verb, resource, ...flags).catch(
        (error: unknown) => (error as { stdout: string }).stdout,
      )
    ).trim();

  test.each([
    ['get,list,watch,patch', 'kcpmcpservers.mcp.kcp.io', '-A'],
    ['patch', 'kcpmcpservers.mcp.kcp.io --subresource=status', '-A'],
    ['list,watch', 'pods', '-A'],
    ['get,list,watch,create,patch', 'configmaps', '-A'],
    ['get,list,watch,create,patch', 'services', '-A'],
    ['get,list,watch,create,patch', 'serviceaccounts', '-A'],
    ['get,list,watch,create,patch,delete', 'deployments.apps', '-A'],
    ['get,list,watch,create,patch,delete', 'poddisruptionbudgets.policy', '-A'],
    ['get,list,watch,create,patch,delete', 'networkpolicies.networking.k8s.io', '-A'],
    ['get,list,watch', 'horizontalpodautoscalers.autoscaling', '-A'],
    ['get,list,watch,create,patch,delete', 'kubeconfigs.operator.kcp.io', '-A'],
    ['get,list,watch', 'frontproxies.operator.kcp.io', '-A'],
    ['get,list,watch', 'rootshards.operator.kcp.io', '-A'],
    ['get,list,watch,create,patch,delete', 'ingresses.networking.k8s.io', '-A'],
    ['get,list,watch,create,patch,delete', 'httproutes.gateway.networking.k8s.io', '-A'],
    ['get,list,watch,create,patch,delete', 'tlsroutes.gateway.networking.k8s.io', '-A'],
    ['get,list,watch,create,patch,delete', 'backendtlspolicies.gateway.networking.k8s.io', '-A'],
    ['get,list,watch', 'customresourcedefinitions.apiextensions.k8s.io', '-A'],
    ['create,patch', 'events.events.k8s.io', '-A'],
    ['create', 'leases.coordination.k8s.io', '-n=kcp-mcp-operator-system'],
    ['get,update', 'leases.coordination.k8s.io/kcp-mcp-operator', '-n=kcp-mcp-operator-system'],
  ])('may %s %s', async (verbs, resource, where) => {
    const [name = '', ...flags] = resource.split(' ');
    for (const verb of verbs.split(',')) expect([verb, await can(verb, name, ...flags, where)]).toEqual([verb, 'yes']);
  });

  test.each([
    ['update', 'kcpmcpservers.mcp.kcp.io', '-A'],
    ['delete', 'kcpmcpservers.mcp.kcp.io', '-A'],
    // Consent is for others to give.
    ['patch', 'frontproxies.operator.kcp.io', '-A'],
    ['create', 'secrets', '-n=kcp-mcp'],
    ['list', 'secrets', '-n=kcp-mcp'],
    ['get', 'secrets', '-A'],
    ['delete', 'services', '-A'],
    ['patch', 'pods', '-A'],
    ['create', 'rolebindings.rbac.authorization.k8s.io', '-A'],
    ['create', 'pods', '-A'],
    ['update', 'ingresses.networking.k8s.io', '-A'],
    ['get', 'pods/log', '-A'],
    ['create', 'pods/exec', '-A'],
    ['get', 'leases.coordination.k8s.io/other', '-n=kcp-mcp-operator-system'],
    ['create', 'leases.coordination.k8s.io', '-n=kcp-mcp'],
  ])('may not %s %s', async (verb, resource, where) => {
    expect(await can(verb, resource, where)).toBe('no');
  });
});

test('the component cluster-wide-secrets lets the operator use any Secret that it is told of, and list none', async () => {
  const overlay = await mkdtemp(join(root, '.testing/overlay-'));
  try {
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [relative(overlay, join(root, 'config/default'))],
      components: [relative(overlay, join(root, 'config/components/cluster-wide-secrets'))],
    };
    await writeFile(join(overlay, 'kustomization.yaml'), stringify(kustomization));
    expect(secretRules(await build(overlay), 'ClusterRole')).toHaveLength(1);
    await kubectl('apply', '-k', overlay, '--validate=strict');
    const canRead = () => asOperator('get', 'secret', 'another', '-n', 'kcp-vespucci');
    await waitFor('the authorizer to know the ClusterRole', canRead, { deadlineMs: 10_000 });
    await expect(asOperator('get', 'secrets', '-n', 'kcp-vespucci')).rejects.toThrow(/forbidden/i);
    await expect(asOperator('delete', 'secret', 'another', '-n', 'kcp-vespucci')).rejects.toThrow(/forbidden/i);
  } finally {
    await rm(overlay, { recursive: true, force: true });
  }
});
