// What the builders build, on a real API server: it is accepted with strict validation, stays as it was applied, and its
// Pods fit the restricted profile.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, openApi } from '../../../e2e/cluster/api.ts';
import { type ControlPlane, startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { gatewayAPICRDs } from '../../../e2e/cluster/gateway-api.ts';
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE } from '../api/gateway-api.ts';
import { API_VERSION, KIND, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { resourcePath, type KubeObject } from '../kube/types.ts';
import { buildAll } from './index.ts';
import type { Deployment } from './kubernetes-types.ts';
import { FIELD_MANAGER } from './names.ts';
import { exposedSpecs, fullSpec, minimalSpec, references, server } from './testdata/servers.ts';

const NAMESPACE = 'kcp-mcp';

let plane: ControlPlane;
let api: Api;

beforeAll(async () => {
  const ours = join(import.meta.dirname, '../../../crds/mcp.kcp.io_kcpmcpservers.yaml');
  const crds = [ours, ...Object.values(await gatewayAPICRDs())];
  plane = await startControlPlane({ crds });
  api = await openApi(plane.kubeconfig);
  await api.request('/api/v1/namespaces', {
    method: 'POST',
    body: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
  });
}, 600_000);

afterAll(async () => {
  api.close();
  await plane.stop();
});

const plurals: Record<string, string> = {
  ServiceAccount: '/api/v1/namespaces/kcp-mcp/serviceaccounts',
  Secret: '/api/v1/namespaces/kcp-mcp/secrets',
  ConfigMap: '/api/v1/namespaces/kcp-mcp/configmaps',
  Service: '/api/v1/namespaces/kcp-mcp/services',
  Deployment: '/apis/apps/v1/namespaces/kcp-mcp/deployments',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/kcp-mcp/networkpolicies',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/kcp-mcp/ingresses',
  ...Object.fromEntries(
    [HTTP_ROUTE, TLS_ROUTE, BACKEND_TLS_POLICY].map((each) => [
      each.kind,
      resourcePath(each, { namespace: NAMESPACE }),
    ]),
  ),
  PodDisruptionBudget: '/apis/policy/v1/namespaces/kcp-mcp/poddisruptionbudgets',
};

const apply = async (object: KubeObject) =>
  (await api.request(
    `${plurals[object.kind] ?? ''}/${object.metadata.name}?fieldManager=${FIELD_MANAGER}&fieldValidation=Strict`,
    { method: 'PATCH', body: object, contentType: 'application/apply-patch+yaml' },
  )) as KubeObject;

describe.each(Object.entries({ minimal: minimalSpec, full: fullSpec }))('%s', (name, spec) => {
  let children: KubeObject[];
  let deployment: Deployment;

  beforeAll(async () => {
    const server = (await api.request(`/apis/${API_VERSION}/namespaces/${NAMESPACE}/kcpmcpservers`, {
      method: 'POST',
      body: { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec },
    })) as KcpMcpServer;
    // The Certificate is checked by the golden files: its kind is cert-manager's, and not served here.
    const { replicas } = server.spec.deployment;
    const { certificate: _, ...built } = buildAll(server, {
      ...references,
      ...(replicas !== undefined && { replicas }),
    });
    children = Object.values(built);
    deployment = built.deployment;
  });

  test('is accepted, and applying it again changes nothing', async () => {
    for (const child of children) {
      const first = await apply(child);
      const second = await apply(child);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    }
  });

  test('what others set stays: a restart, a number of replicas that the spec leaves open', async () => {
    const restarted = { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' };
    const path = `${plurals['Deployment'] ?? ''}/${name}-mcp`;
    await api.request(path, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: {
        spec: {
          ...(spec === minimalSpec ? { replicas: 3 } : {}),
          template: { metadata: { annotations: restarted } },
        },
      },
    });
    const applied = (await apply(deployment)) as Deployment;
    expect(applied.spec?.template.metadata?.annotations).toMatchObject(restarted);
    expect(applied.spec?.replicas).toBe(spec === minimalSpec ? 3 : 2);
  });

  test('its Pods are admitted under the restricted profile', async () => {
    const { metadata, spec: pod } = deployment.spec?.template ?? {};
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'probe' }, spec: pod };
    await expect(
      api.request(`/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`, { method: 'POST', body }),
    ).resolves.toBeDefined();
  });
});

test.each(Object.entries(exposedSpecs))(
  'exposed %s: is accepted, and applying it again changes nothing',
  async (_, spec) => {
    const { certificate: __, ...built } = buildAll(server(spec), references);
    for (const child of Object.values(built)) {
      const first = await apply(child);
      const second = await apply(child);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    }
  },
);
