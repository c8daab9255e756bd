import { describe, expect, test } from '@jest/globals';
import type { ContainerStatus, Pod } from './objects.ts';
import { troubleOf, worstOf } from './pod-trouble.ts';

const pod = (status: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'vespucci-mcp-abc', namespace: 'kcp-mcp', ...metadata },
  ...(status && { status }),
});
const container = (change: Partial<ContainerStatus>): Pod =>
  pod({ containerStatuses: [{ name: 'mcp-runtime', image: 'example.com/mcp:9', ready: false, ...change }] });
const waiting = (reason: string, message?: string, lastState?: ContainerStatus['lastState']): Pod =>
  container({
    state: { waiting: { reason, ...(message !== undefined && { message }) } },
    ...(lastState && { lastState }),
  });

const PULL = 'failed to pull and unpack image "example.com/mcp:9": not found';
const CRASHED = { terminated: { exitCode: 2, reason: 'Error' } };

describe('troubleOf', () => {
  test.each([
    ['an image that isn’t there', waiting('ErrImagePull', PULL), 'ImagePullFailed', `can't pull image example.com/mcp:9: ${PULL}. Correct spec.deployment.image`],
    ['a name that is none', waiting('InvalidImageName', 'Failed to apply default image tag "x y"'), 'ImagePullFailed', 'Failed to apply'],
    ['a crash', container({ state: CRASHED }), 'CrashLoopBackOff', 'ended with exit code 2 (Error)'],
    ['too little memory', waiting('CrashLoopBackOff', 'back-off 10s', { terminated: { exitCode: 137, reason: 'OOMKilled' } }), 'CrashLoopBackOff', 'Raise spec.deployment.resources.limits.memory'],
    ['another obstacle', waiting('CreateContainerConfigError', 'secret "x" not found'), 'ContainerNotStarted', 'CreateContainerConfigError: secret "x" not found'],
    ['no node', pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }] }), 'Unschedulable', '0/3 nodes are available. Free or add nodes'],
    ['it runs, but isn’t ready', container({ state: { running: {} } }), undefined, 'runs but is not ready'],
    ['an init container', pod({ initContainerStatuses: [{ name: 'wait', state: CRASHED }] }), 'CrashLoopBackOff', 'container wait of Pod vespucci-mcp-abc'],
  ])('%s', (_, object, reason, says) => {
    const trouble = troubleOf(object);
    expect(trouble?.reason).toBe(reason);
    expect(trouble?.message).toContain(says);
    expect(trouble?.message).toContain('vespucci-mcp-abc');
  }); // prettier-ignore

  test.each([
    ['nothing was said yet', pod(undefined)],
    ['it is ready', container({ ready: true, state: { running: {} }, lastState: CRASHED })],
    ['it is being made', waiting('ContainerCreating')],
    ['it waits for another container', waiting('PodInitializing')],
    [
      'it is going away',
      { ...waiting('ErrImagePull', PULL), metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ],
    ['it was evicted', pod({ phase: 'Failed', containerStatuses: [{ name: 'mcp-runtime', state: CRASHED }] })],
    [
      'an init container is done',
      pod({ initContainerStatuses: [{ name: 'wait', state: { terminated: { exitCode: 0 } } }] }),
    ],
  ])('nothing when %s', (_, object) => {
    expect(troubleOf(object)).toBeUndefined();
  });

  test('a crash is the same one while it waits, runs again and crashes again', () => {
    const crashed = troubleOf(container({ state: CRASHED }));
    expect(troubleOf(container({ state: CRASHED, lastState: CRASHED }))).toEqual(crashed);
    expect(troubleOf(waiting('CrashLoopBackOff', 'back-off 10s restarting', CRASHED))).toEqual(crashed);
    expect(troubleOf(waiting('CrashLoopBackOff', 'back-off 5m0s restarting', CRASHED))).toEqual(crashed);
    expect(troubleOf(container({ state: { running: {} }, lastState: CRASHED }))).toEqual(crashed);
    expect(crashed?.command).toBe('logs vespucci-mcp-abc -c mcp-runtime');
  });

  test('a pull that fails is the same one while kubelet tries and while it waits, from whatever port', () => {
    const dial = (port: number) => `dial tcp 10.0.0.1:${port}->10.0.0.2:443: connection refused`;
    const tried = troubleOf(waiting('ErrImagePull', dial(40_001)));
    expect(troubleOf(waiting('ErrImagePull', dial(40_002)))).toEqual(tried);
    const backOff = 'Back-off pulling image "example.com/mcp:9"';
    expect(troubleOf(waiting('ImagePullBackOff', `${backOff}: ErrImagePull: ${dial(40_003)}`))).toEqual(tried);
    expect(troubleOf(waiting('ImagePullBackOff', backOff))).toMatchObject({ vague: true });
  });

  test('kubelet quotes a registry, which may say anything', () => {
    const { message } = troubleOf(waiting('ErrImagePull', `\u001b[2J\n${'x'.repeat(5_000)}`)) ?? { message: '' };
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(1_000);
  });
});

test('worstOf: of several Pods always the same one is told', () => {
  const troubled = (name: string, object: Pod) => {
    const trouble = troubleOf(object);
    return { ...object, metadata: { name }, ...(trouble && { trouble: { ...trouble, message: name } }) };
  };
  const pods = [
    troubled('d', container({ state: { running: {} } })),
    troubled('c', container({ state: CRASHED })),
    troubled('b', waiting('ErrImagePull', PULL)),
    troubled('a', waiting('ErrImagePull', PULL)),
    troubled('e', container({ ready: true })),
  ];
  expect(worstOf(pods)?.message).toBe('a');
  expect(worstOf(pods.toReversed())?.message).toBe('a');
  expect(worstOf(pods.slice(0, 2))?.message).toBe('c');
  expect(worstOf(pods.slice(4))).toBeUndefined();
});

test('worstOf: Pods of an earlier template don’t count, whatever is the matter with them', () => {
  const of = (name: string, template: string, creationTimestamp: string, object: Pod) => {
    const trouble = troubleOf(object);
    const labels = { 'pod-template-hash': template };
    return { ...object, metadata: { name, labels, creationTimestamp }, ...(trouble && { trouble }) };
  };
  const old = of('a', 'old', '2026-01-01T00:00:00Z', waiting('ErrImagePull', PULL));
  const crashed = of('b', 'new', '2026-01-02T00:00:00Z', container({ state: CRASHED }));
  const starting = of('c', 'new', '2026-01-02T00:00:01Z', waiting('ContainerCreating'));
  expect(worstOf([old])?.reason).toBe('ImagePullFailed');
  expect(worstOf([old, crashed, starting])?.reason).toBe('CrashLoopBackOff');
  expect(worstOf([starting, old])).toBeUndefined();
});
