import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import type { CertManagerCertificate, ForeignCondition } from '../api/external.ts';
import { issuanceOf, judgeProvided, untilExpiry } from './certificate.ts';
import type { DataObject } from './objects.ts';
import { testServer } from './testing/objects.ts';

const condition = (type: string, status: 'True' | 'False', reason = '', message = ''): ForeignCondition => ({
  type,
  status,
  reason,
  message,
});

describe('judgeProvided', () => {
  const HOST = 'mcp.vespucci.example.com';
  let dir: string;
  let secretOf: (certificate: string | undefined, key?: string) => DataObject;
  const certificates: Record<string, string> = {};
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'certificates-'));
    const ca = await createCA(dir, 'ca', 'test CA');
    for (const [name, hosts] of Object.entries({
      right: [HOST, 'other.example.com'],
      wildcard: ['*.vespucci.example.com'],
      wrong: ['x.example.com'],
    })) {
      const { certFile } = await issueCertificate(ca, { dir, name, commonName: HOST, hosts, days: 30 });
      certificates[name] = readFileSync(certFile, 'utf8');
    }
    secretOf = (certificate, key = 'the key') => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'kcp-mcp', name: 'kept' },
      data: { 'tls.crt': Buffer.from(certificate ?? '').toString('base64'), 'tls.key': key },
    });
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  const tomorrow = () => new Date(Date.now() + 86_400_000);
  const server = (dnsNames: string[] = []) => testServer({ spec: { tls: { secretName: 'kept', dnsNames } } });

  test.each([
    ['right', 'right', [], 'True Provided', 'is valid until'],
    ['right for all names', 'right', ['other.example.com'], 'True Provided', 'is valid until'],
    ['a wildcard', 'wildcard', [], 'True Provided', 'is valid until'],
    ['for others', 'wrong', [], 'False HostnameMismatch', `isn't made out to ${HOST} (but to DNS:x.example.com)`],
    ['for one name of two', 'wildcard', ['b.example.com'], 'False HostnameMismatch', "isn't made out to b.example.com"],
  ])('a certificate that is %s', (_, name, dnsNames, expected, says) => {
    const { finding, notAfter } = judgeProvided(server(dnsNames), secretOf(certificates[name]), tomorrow());
    expect(`${finding.status} ${finding.reason}`).toBe(expected);
    expect(finding.message).toContain(says);
    expect(finding.message).toContain('Secret kcp-mcp/kept');
    expect(notAfter).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('one that has expired, or isn’t valid yet', () => {
    const at = (days: number) =>
      judgeProvided(server(), secretOf(certificates['right']), new Date(Date.now() + days * 86_400_000));
    expect(at(31)).toMatchObject({
      finding: { status: 'False', reason: 'CertificateExpired' },
      notAfter: expect.any(String),
    });
    expect(at(-1)).toMatchObject({ finding: { status: 'False', reason: 'InvalidCertificate' } });
  });

  test('no certificate, no key', () => {
    expect(judgeProvided(server(), secretOf(undefined), tomorrow()).finding).toMatchObject({ reason: 'KeyMissing' });
    expect(judgeProvided(server(), secretOf('hello'), tomorrow()).finding).toMatchObject({
      reason: 'InvalidCertificate',
    });
    const { finding } = judgeProvided(server(), secretOf(certificates['right'], ''), tomorrow());
    expect(finding).toMatchObject({ reason: 'KeyMissing', message: expect.stringContaining('has no key tls.key') });
  });
});

describe('issuanceOf', () => {
  const certificate = (status: CertManagerCertificate['status']): CertManagerCertificate => ({
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { namespace: 'kcp-mcp', name: 'vespucci-mcp-tls', generation: 2 },
    spec: { secretName: 'vespucci-mcp-tls' },
    ...(status && { status }),
  });
  const notAfter = '2027-01-01T00:00:00Z';
  const issuer = { kind: 'ClusterIssuer', name: 'le', group: 'cert-manager.io' };
  const ready = condition('Ready', 'True', 'Ready', 'fine');
  const notReady = condition('Ready', 'False', 'DoesNotExist', 'Issuing certificate as Secret does not exist');

  test.each<[string, CertManagerCertificate['status'], string, string]>([
    ['issued', { conditions: [ready], notAfter }, 'True Issued', notAfter],
    [
      'issued for an earlier spec',
      { conditions: [{ ...ready, observedGeneration: 1 }], notAfter },
      'False Issuing',
      'Ready: fine',
    ],
    ['cert-manager is silent', undefined, 'False Issuing', 'it has not said anything yet'],
    ['cert-manager begins', { conditions: [notReady] }, 'False Issuing', 'DoesNotExist: Issuing certificate'],
    [
      'it failed, whatever cert-manager calls that',
      { conditions: [notReady, condition('Issuing', 'False', 'Denied', 'names not allowed')] },
      'False IssuanceFailed',
      'from ClusterIssuer le and will try again: Denied: names not allowed. See: kubectl -n kcp-mcp describe certificate',
    ],
    [
      'expired',
      { conditions: [condition('Ready', 'False', 'Expired')], notAfter },
      'False CertificateExpired',
      notAfter,
    ],
  ])('%s', (_, status, expected, says) => {
    const finding = issuanceOf(certificate(status), issuer, new Date('2026-12-31T23:59:59Z'));
    expect(`${finding.status} ${finding.reason}`).toBe(expected);
    expect(finding.message).toContain(says);
  });

  const pending = (message: string) => ({
    apiVersion: 'cert-manager.io/v1',
    kind: 'CertificateRequest',
    metadata: { name: 'vespucci-mcp-tls-1' },
    status: { conditions: [condition('Approved', 'True'), condition('Ready', 'False', 'Pending', message)] },
  });

  test.each([
    [
      'no such issuer',
      'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "le" not found',
      'IssuerNotFound',
      "ClusterIssuer le, which spec.tls.issuerRef names, doesn't exist: create it",
    ],
    [
      'an issuer that isn’t ready',
      'Referenced issuer does not have a Ready status condition',
      'IssuerNotReady',
      'kubectl describe clusterissuer.cert-manager.io le',
    ],
    [
      'an issuer at work',
      'Waiting on certificate issuance from order kcp-mcp/vespucci-mcp-tls-1-123: "pending"',
      'Issuing',
      'Pending: Waiting on certificate issuance from order',
    ],
  ])('what the CertificateRequest knows: %s', (_, message, reason, says) => {
    const waits = certificate({ conditions: [notReady, condition('Issuing', 'True', 'DoesNotExist')] });
    const finding = issuanceOf(waits, issuer, new Date(0), pending(message));
    expect(finding).toMatchObject({ status: 'False', reason });
    expect(finding.message).toContain(says);
    expect(finding.message).toContain(message);
  });

  test('a certificate that is valid is one, whatever its renewal waits for', () => {
    const renewing = certificate({ conditions: [ready, condition('Issuing', 'True', 'Renewing')], notAfter });
    expect(issuanceOf(renewing, issuer, new Date(0), pending('x')).status).toBe('True');
  });

  test('one that expired because the issuer is gone says both', () => {
    const gone = pending('Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "le" not found');
    const { reason, message } = issuanceOf(
      certificate({ conditions: [ready], notAfter }),
      issuer,
      new Date(notAfter),
      gone,
    );
    expect(reason).toBe('CertificateExpired');
    expect(message).toContain("doesn't exist");
  });

  test('expired, and cert-manager says nothing', () => {
    const finding = issuanceOf(certificate({ conditions: [ready], notAfter }), issuer, new Date(notAfter));
    expect(finding).toMatchObject({ status: 'False', reason: 'CertificateExpired' });
  });
});

test('untilExpiry: when the certificate expires, at most a day, and never again after that', () => {
  const look = (notAfter: string | undefined) => {
    const report = { causes: {}, facts: { certificate: notAfter === undefined ? {} : { notAfter } } };
    return untilExpiry({ report, now: new Date('2026-12-31T23:59:50Z') });
  };
  expect(look('2027-01-01T00:00:00Z')).toEqual({ afterMs: 10_000 });
  expect(look('2027-03-01T00:00:00Z')).toEqual({ afterMs: 86_400_000 });
  expect(look('2026-12-31T23:59:50Z')).toBeUndefined();
  expect(look(undefined)).toBeUndefined();
});
