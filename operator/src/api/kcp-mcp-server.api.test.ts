// The generated CRD on a real API server: what it accepts, refuses, defaults and merges.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, ApiError, openApi } from '../../../e2e/cluster/api.ts';
import { type ControlPlane, startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { ensureBinaries } from '../../../e2e/cluster/toolchain.ts';
import { silent } from '../../../e2e/lib/progress.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { accepted, minimal, refused } from './testdata/resources.ts';
import type { KcpMcpServer } from './kcp-mcp-server.ts';

const run = promisify(execFile);
const COLLECTION = '/apis/mcp.kcp.io/v1alpha1/namespaces/default/kcpmcpservers';

let plane: ControlPlane;
let api: Api;
let kubectl: (...args: string[]) => Promise<string>;

beforeAll(async () => {
  const crds = [join(import.meta.dirname, '../../../crds/mcp.kcp.io_kcpmcpservers.yaml')];
  plane = await startControlPlane({ crds });
  api = await openApi(plane.kubeconfig);
  const binary = (await ensureBinaries(['kubectl'], silent)).kubectl;
  kubectl = async (...args) => (await run(binary, ['--kubeconfig', plane.kubeconfig, ...args])).stdout;
}, 600_000);

afterAll(async () => {
  api.close();
  await plane.stop();
});

const create = async (object: unknown, query = '') =>
  (await api.request(`${COLLECTION}${query}`, { method: 'POST', body: object })) as KcpMcpServer;

const applyAs = async (manager: string, object: ReturnType<typeof minimal>) =>
  (await api.request(`${COLLECTION}/${object.metadata.name}?fieldManager=${manager}`, {
    method: 'PATCH',
    body: object,
    contentType: 'application/apply-patch+yaml',
  })) as KcpMcpServer;

test('every rule is within the cost that the API server allows, and the schema is structural', async () => {
  const crd = (await api.request(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kcpmcpservers.mcp.kcp.io',
  )) as { status: { conditions: { type: string; status: string }[] } };
  expect(crd.status.conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }));
  expect(crd.status.conditions.filter(({ type }) => type === 'NonStructuralSchema')).toEqual([]);
});

describe('kubectl', () => {
  test('explains every field', async () => {
    // The API server publishes the OpenAPI document a moment after it serves the kind.
    const explain = () => kubectl('explain', 'kcpmcpserver', '--recursive');
    const recursive = await waitFor('the OpenAPI document', explain, { deadlineMs: 30_000 });
    expect(recursive).toContain('issuerURL');
    for (const path of ['', '.spec', '.spec.auth.oidc', '.spec.deployment.affinity', '.status.conditions'])
      expect(await kubectl('explain', `kcpmcp${path}`)).not.toContain('<empty>');
  });

  test('lists by short name and category, with the columns', async () => {
    await create(minimal({ name: 'listed' }));
    const columns = ['NAME', 'READY', 'URL', 'REPLICAS', 'AGE'];
    expect((await kubectl('get', 'kcp')).split('\n')[0]?.split(/\s+/)).toEqual(columns);
    const wide = (await kubectl('get', 'kcpmcp', '-o', 'wide')).split('\n')[0];
    expect(wide?.split(/\s+/)).toEqual([...columns, 'ISSUER', 'KCP', 'CERT-EXPIRY', 'REASON']);
  });
});

test.each(accepted)('accepts: %s', async (_, object) => {
  await expect(create(object, '?dryRun=All&fieldValidation=Strict')).resolves.toBeDefined();
});

test.each(refused)('refuses: %s', async (_, object, message) => {
  const error: unknown = await create(object, '?dryRun=All').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).statusCode).toBe(422);
  expect((error as ApiError).message).toContain(message);
});

test('fills in the defaults of the design', async () => {
  const { spec, status } = await create(minimal({ name: 'defaults' }));
  expect(status).toEqual({ observedGeneration: -1 });
  expect(spec).toMatchObject({
    allowedOrigins: [],
    kcp: { workspace: 'root' },
    auth: {
      mode: 'OIDC',
      allowUnauthenticated: false,
      oidc: { requiredScopes: [] },
      upstream: { mode: 'Passthrough' },
    },
    tools: { toolsets: ['core', 'kcp'], readOnly: false, disableDestructive: false },
    inventory: { mode: 'Caller', maxAge: '30s' },
    tls: { termination: 'Pod', duration: '2160h', renewBefore: '360h', dnsNames: [] },
    exposure: { service: { type: 'ClusterIP' } },
    deployment: { resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '128Mi' } } },
  });
  expect(spec.tools.disabled).toContain('pods_exec');
  expect(spec.deployment.replicas).toBeUndefined();
  expect(spec.exposure.service.port).toBeUndefined();
});

test('merges what two managers apply to lists, and each may take back its own part', async () => {
  const base = minimal({ name: 'merged' });
  const part = (spec: Record<string, unknown>) => ({
    apiVersion: base.apiVersion,
    kind: base.kind,
    metadata: base.metadata,
    spec,
  });
  const alias = (ip: string) => ({ ip, hostnames: ['kcp.example.com'] });
  await applyAs('owner', {
    ...base,
    spec: { ...base.spec, allowedOrigins: ['https://a.example.com'], deployment: { hostAliases: [alias('10.0.0.1')] } },
  });
  const theirs = { allowedOrigins: ['https://b.example.com'], deployment: { hostAliases: [alias('10.0.0.2')] } };
  const merged = await applyAs('addon', part(theirs));
  expect(merged.spec.allowedOrigins).toEqual(['https://a.example.com', 'https://b.example.com']);
  expect(merged.spec.deployment.hostAliases?.map(({ ip }) => ip)).toEqual(['10.0.0.1', '10.0.0.2']);

  const left = await applyAs('addon', part({}));
  expect(left.spec.allowedOrigins).toEqual(['https://a.example.com']);
  expect(left.spec.deployment.hostAliases?.map(({ ip }) => ip)).toEqual(['10.0.0.1']);
});

test('status is a subresource: users cannot write it, the operator merges conditions by type', async () => {
  const object = minimal({ name: 'status' });
  const created = await create({ ...object, status: { url: 'https://evil.example.com/mcp' } });
  expect(created.status).toEqual({ observedGeneration: -1 });
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'Succeeded',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const patchStatus = async (manager: string, type: string) =>
    (await api.request(`${COLLECTION}/status/status?fieldManager=${manager}`, {
      method: 'PATCH',
      body: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        metadata: object.metadata,
        status: { conditions: [condition(type)] },
      },
      contentType: 'application/apply-patch+yaml',
    })) as KcpMcpServer;
  await patchStatus('kcp-mcp-operator', 'Ready');
  const { status } = await patchStatus('somebody', 'Audited');
  expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Audited']);
});
