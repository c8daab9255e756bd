// The whole operator on a real API server, with the rights of config/default and of the samples' Roles.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { CREDENTIAL, NAME, newCase, type Case } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };

describe('a KcpMcpServer with everything that it needs', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await it.becomeReady();
  }, 30_000);

  test('gets all its children, each with an ownerReference for garbage collection', async () => {
    const { metadata } = await it.server();
    for (const [kind, suffix] of [
      ['ServiceAccount', 'mcp'],
      ['Secret', 'mcp-kubeconfig'],
      ['ConfigMap', 'mcp-config'],
      ['Certificate', 'mcp-tls'],
      ['Service', 'mcp'],
      ['Deployment', 'mcp'],
    ] as const) {
      const child = await it.child(kind, suffix);
      expect(child.metadata.ownerReferences).toEqual([
        expect.objectContaining({
          kind: 'KcpMcpServer',
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        }),
      ]);
    }
    expect(metadata.finalizers).toBeUndefined();
  });

  test('says how it is in its status', async () => {
    const { status, metadata } = await it.server();
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      url: 'https://mcp.vespucci.example.com/mcp',
      replicas: 1,
      readyReplicas: 1,
      kubeconfig: {
        source: { kind: 'Kubeconfig', namespace: it.source, name: 'kcp-mcp-kubeconfig' },
        server: 'https://kcp.example.com:6443',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      oidc: { issuer: 'https://auth.example.com', audience: 'platform-mesh' },
      certificate: { secretName: `${NAME}-mcp-tls`, notAfter: '2036-01-01T00:00:00Z' },
    });
    expect(status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort()).toEqual([
      'Available=True MinimumReplicasAvailable',
      'CertificateReady=True Issued',
      'Exposed=True ServiceReady',
      'KubeconfigReady=True Copied',
      'OIDCReady=True KeysLoaded',
      'Ready=True Succeeded',
    ]);
  });
});
