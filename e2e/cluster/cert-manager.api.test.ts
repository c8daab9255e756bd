import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { openApi } from './api.ts';
import type { Api } from './api.ts';
import { startCertManager } from './cert-manager.ts';
import type { CertManager } from './cert-manager.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';

let plane: ControlPlane | undefined;
let certManager: CertManager;
let api: Api;

beforeAll(async () => {
  plane = await startControlPlane();
  certManager = await startCertManager({ dir: plane.dir, kubeconfig: plane.kubeconfig });
  api = await openApi(plane.kubeconfig);
}, 600_000);

afterAll(async () => {
  api.close();
  await plane?.stop();
});

test('issues a certificate that its CA file verifies', async () => {
  await api.apply('/apis/cert-manager.io/v1/namespaces/default/certificates', {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: 'leaf' },
    spec: {
      secretName: 'leaf',
      dnsNames: ['mcp.example.com'],
      issuerRef: { group: 'cert-manager.io', kind: 'ClusterIssuer', name: certManager.issuerName },
    },
  });
  const secret = (await waitFor('Secret leaf', () => api.request('/api/v1/namespaces/default/secrets/leaf'), {
    deadlineMs: 20_000,
  })) as { data: { 'tls.crt': string } };
  const leaf = new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64'));
  const ca = new X509Certificate(await readFile(certManager.caFile));
  expect(leaf.checkHost('mcp.example.com')).toBe('mcp.example.com');
  expect(leaf.verify(ca.publicKey)).toBe(true);
}, 30_000);
