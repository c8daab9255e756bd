import { describe, expect, test } from '@jest/globals';
import type { ForeignCondition } from '../api/external.ts';
import type { Deployment } from './objects.ts';
import { availabilityOf } from './observe.ts';

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
