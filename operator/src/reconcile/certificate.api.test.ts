// CertificateReady with a real cert-manager, and with certificates that somebody else keeps, on a real API server.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCertManager, type CertManager } from '../../../e2e/cluster/cert-manager.ts';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import { newCase, type Case } from './testing/case.ts';
import { CRDS, OPERATOR_NAMESPACE, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;
let certManager: CertManager;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs]);
  // It watches the kinds of others from the first day, whether they are there or not.
  await env.startOperator();
  certManager = await startCertManager({ dir: env.plane.dir, kubeconfig: env.plane.kubeconfig });
}, 600_000);

afterAll(async () => {
  await certManager.stop();
  await env.stop();
});

async function withIssuer(issuerRef: object): Promise<Case> {
  const it = await newCase(env);
  await it.createSource();
  await it.createServer({ tls: { issuerRef } });
  return it;
}

const issuer = (kind: string, name: string, spec: object) => ({
  apiVersion: 'cert-manager.io/v1',
  kind,
  metadata: { name },
  spec,
});

describe('cert-manager', () => {
  test('has no such ClusterIssuer: named, and over when there is one', async () => {
    const it = await withIssuer({ name: 'letsencrypt-prod', kind: 'ClusterIssuer' });
    const { message } = await it.condition('CertificateReady', 'False', 'IssuerNotFound');
    expect(message).toContain("ClusterIssuer letsencrypt-prod, which spec.tls.issuerRef names, doesn't exist");
    expect(message).toContain('clusterissuer.cert-manager.io "letsencrypt-prod" not found');
    await it.condition('Ready', 'False', 'IssuerNotFound');

    const selfSigned = issuer('ClusterIssuer', 'letsencrypt-prod', { selfSigned: {} });
    await env.api.apply('/apis/cert-manager.io/v1/clusterissuers', selfSigned);
    await it.condition('CertificateReady', 'True', 'Issued');
    expect((await it.server()).status?.certificate?.notAfter).toMatch(/Z$/);
    // As the spec asks: 2160h, and a key that is new each time.
    expect((await it.child('Certificate', 'mcp-tls')).spec).toMatchObject({
      duration: '2160h',
      renewBefore: '360h',
      dnsNames: ['mcp.vespucci.example.com'],
      usages: ['digital signature', 'server auth'],
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
    });
  }, 60_000);

  test('can’t use the Issuer: its name, and where to see why', async () => {
    const it = await newCase(env);
    const issuers = `/apis/cert-manager.io/v1/namespaces/${it.namespace}/issuers`;
    await env.api.apply(issuers, issuer('Issuer', 'house-ca', { ca: { secretName: 'nowhere' } }));
    await it.createSource();
    await it.createServer({ tls: { issuerRef: { name: 'house-ca' } } });
    const { message } = await it.condition('CertificateReady', 'False', 'IssuerNotReady');
    const [, command = 'none'] = /see why with: kubectl (.*?)\. cert-manager/.exec(message) ?? [];
    expect(await env.kubectl(...command.split(' '))).toContain('nowhere');
  }, 60_000);
});

describe('a certificate kept elsewhere', () => {
  const SECRET = 'kept-elsewhere';
  const HOST = 'mcp.vespucci.example.com';
  const grantee = `--serviceaccount=${OPERATOR_NAMESPACE}:kcp-mcp-operator`;

  async function provide(it: Case, hosts: string[]): Promise<void> {
    const { dir } = env.plane;
    const ca = await createCA(dir, 'kept-ca', 'house CA');
    const { certFile, keyFile } = await issueCertificate(ca, {
      dir,
      name: 'kept',
      commonName: 'kept',
      hosts,
      days: 30,
    });
    const [crt, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await it.apply('Secret', SECRET, { stringData: { 'tls.crt': crt, 'tls.key': key } });
  }

  test('is checked where the operator may read it, each time it changes', async () => {
    const it = await newCase(env);
    await it.createSource();
    await provide(it, ['old.example.com']);
    await it.createServer({ tls: { secretName: SECRET } });
    const { message } = await it.condition('CertificateReady', 'True', 'Provided');
    expect(message).toContain('may not read');
    expect((await it.server()).status?.certificate).toEqual({ secretName: SECRET });
    const [, command = 'false'] = /checked: (.*)$/.exec(message) ?? [];
    expect(command).toBe(
      grantCommand({ resource: 'secrets', key: { namespace: it.namespace, name: SECRET }, verbs: READ_VERBS, grantee }),
    );
    await env.shell(command);

    const mismatch = await it.condition('CertificateReady', 'False', 'HostnameMismatch');
    expect(mismatch.message).toContain(`isn't made out to ${HOST} (but to DNS:old.example.com)`);
    await provide(it, [HOST]);
    await it.condition('CertificateReady', 'True', 'Provided');
    expect((await it.server()).status?.certificate?.notAfter).toMatch(/Z$/);
    await it.apply('Secret', SECRET, { stringData: { 'tls.crt': 'nonsense', 'tls.key': 'x' } });
    await it.condition('CertificateReady', 'False', 'InvalidCertificate');
  }, 120_000);
});
