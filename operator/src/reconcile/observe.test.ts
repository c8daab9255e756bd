import { describe, expect, test } from '@jest/globals';
import type { ForeignCondition } from '../api/external.ts';
import type { Deployment } from './objects.ts';
import { availabilityOf } from './observe.ts';
import type { Trouble } from './pod-trouble.ts';

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
      'False FailedCreate',
    ],
    ['it was scaled to nothing', deployment(all, { replicas: 0 }), 'False ScaledToZero'],
  ])('%s', (_, object, expected) => {
    const { status, reason } = availabilityOf(object);
    expect(`${status} ${reason}`).toBe(expected);
  });

  test('says how to scale up again', () => {
    expect(availabilityOf(deployment(all, { replicas: 0 })).message).toContain(
      'set spec.deployment.replicas, or where that is left out: kubectl -n kcp-mcp scale deployment vespucci-mcp --replicas=1',
    );
  });

  test('says how to see more', () => {
    expect(availabilityOf(deployment({ replicas: 2, updatedReplicas: 2 })).message).toContain(
      'kubectl -n kcp-mcp describe pods -l app.kubernetes.io/name=kcp-mcp-server,app.kubernetes.io/instance=vespucci',
    );
  });

  describe('with a Pod that has trouble', () => {
    const pull: Trouble = { reason: 'ImagePullFailed', message: "Pod x can't pull image y" };
    const waits: Trouble = { message: 'x runs but is not ready', command: 'logs x' };
    const late = deployment({
      replicas: 2,
      updatedReplicas: 2,
      conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'too long')],
    });

    test.each<[string, Deployment, Trouble, string]>([
      ['the first Pods', deployment({ replicas: 2, updatedReplicas: 2 }), pull, 'False ImagePullFailed'],
      ['new Pods, beside old ones that serve', deployment({ ...all, updatedReplicas: 1, conditions: [AVAILABLE] }), pull, 'Unknown ImagePullFailed'],
      ['too late', late, pull, 'False ImagePullFailed'],
      ['all are up, one more than needed isn’t', deployment({ ...all, conditions: [AVAILABLE, ROLLED_OUT] }), pull, 'True MinimumReplicasAvailable'],
      ['what has trouble may be of an earlier spec', deployment({ replicas: 2 }, { generation: 4 }), pull, 'False RollingOut'],
      ['it was scaled to nothing', deployment(all, { replicas: 0 }), pull, 'False ScaledToZero'],
      ['Pods can’t be created', deployment({ conditions: [condition('ReplicaFailure', 'True', 'FailedCreate')] }), pull, 'False FailedCreate'],
      ['one that may just be starting', deployment({ replicas: 2, updatedReplicas: 2 }), waits, 'False RollingOut'],
      ['one that should be ready by now', late, waits, 'False ProgressDeadlineExceeded'],
    ])('%s', (_, object, trouble, expected) => {
      const { status, reason } = availabilityOf(object, trouble);
      expect(`${status} ${reason}`).toBe(expected);
    }); // prettier-ignore

    test('its message ends with the command that shows more', () => {
      const first = deployment({ replicas: 2, updatedReplicas: 2 });
      expect(availabilityOf(first, pull).message).toMatch(
        /^Pod x can't pull image y; see: kubectl -n kcp-mcp describe pods -l app\.kubernetes\.io\/name=kcp-mcp-server,\S+=vespucci$/,
      );
      expect(availabilityOf(late, waits).message).toBe('x runs but is not ready; see: kubectl -n kcp-mcp logs x');
    });
  });
});
