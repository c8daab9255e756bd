import { describe, expect, test } from '@jest/globals';
import type { CertManagerCertificate, ForeignCondition } from '../api/external.ts';
import type { Deployment } from './objects.ts';
import { availabilityOf, issuanceOf, untilExpiry } from './observe.ts';

const condition = (type: string, status: 'True' | 'False', reason = '', message = ''): ForeignCondition => ({
  type,
  status,
  reason,
  message,
});
const AVAILABLE = condition('Available', 'True', 'MinimumReplicasAvailable');
const ROLLED_OUT = condition('Progressing', 'True', 'NewReplicaSetAvailable');

describe('availabilityOf', () => {
  const deployment = (status: Deployment['status'], { replicas = 2, generation = 3 } = {}): Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      namespace: 'kcp-mcp',
      name: 'vespucci-mcp',
      generation,
      labels: { 'app.kubernetes.io/instance': 'vespucci' },
    },
    spec: { replicas },
    ...(status && { status: { observedGeneration: 3, ...status } }),
  });
  const all = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };

  test.each<[string, Deployment, string]>([
    ['all Pods are up', deployment({ ...all, conditions: [AVAILABLE, ROLLED_OUT] }), 'True MinimumReplicasAvailable'],
    ['nothing was said yet', deployment(undefined), 'False RollingOut'],
    [
      'the last change was not seen yet, old Pods serve',
      deployment({ ...all, conditions: [AVAILABLE, ROLLED_OUT] }, { generation: 4 }),
      'Unknown RollingOut',
    ],
    [
      'new Pods start beside old ones',
      deployment({ ...all, replicas: 3, updatedReplicas: 1, conditions: [AVAILABLE] }),
      'Unknown RollingOut',
    ],
    [
      'the first Pods start',
      deployment({ replicas: 2, updatedReplicas: 2, conditions: [condition('Available', 'False')] }),
      'False RollingOut',
    ],
    [
      'Pods fail after the rollout',
      deployment({ replicas: 2, updatedReplicas: 2, conditions: [condition('Available', 'False'), ROLLED_OUT] }),
      'False MinimumReplicasUnavailable',
    ],
    [
      'one Pod of several fails, which the Deployment tolerates',
      deployment({ ...all, readyReplicas: 1, availableReplicas: 1, conditions: [AVAILABLE, ROLLED_OUT] }),
      'True MinimumReplicasAvailable',
    ],
    [
      'the Deployment gave up',
      deployment({
        replicas: 2,
        updatedReplicas: 2,
        conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'too long')],
      }),
      'False ProgressDeadlineExceeded',
    ],
    [
      'Pods can’t be created',
      deployment({ conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota')] }),
      'False MinimumReplicasUnavailable',
    ],
    ['it was scaled to nothing', deployment(all, { replicas: 0 }), 'False ScaledToZero'],
  ])('%s', (_, object, expected) => {
    const { status, reason } = availabilityOf(object);
    expect(`${status} ${reason}`).toBe(expected);
  });

  test('says how to see more', () => {
    expect(availabilityOf(deployment({ replicas: 2, updatedReplicas: 2 })).message).toContain(
      'kubectl -n kcp-mcp describe pods -l app.kubernetes.io/name=kcp-mcp-server,app.kubernetes.io/instance=vespucci',
    );
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
  const issuer = { kind: 'ClusterIssuer', name: 'le' };
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
      'the issuer is missing',
      { conditions: [notReady, condition('Issuing', 'False', 'Failed', 'issuer "le" not found')] },
      'False IssuanceFailed',
      'from ClusterIssuer le: issuer "le" not found',
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
