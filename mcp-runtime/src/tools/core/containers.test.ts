import { describe, expect, test } from '@jest/globals';
import { chooseContainer, containersOf, others } from './containers.ts';

const named = (...names: string[]) => names.map((name) => ({ name }));
const pod = (spec: object, { annotations = {}, status = {} } = {}) => ({ metadata: { annotations }, spec, status });
const annotated = (name: string) => ({ annotations: { 'kubectl.kubernetes.io/default-container': name } });

describe('chooseContainer', () => {
  const two = { containers: named('web', 'proxy') };

  test.each([
    ['the one that is named', pod(two, annotated('web')), 'proxy', 'proxy'],
    ['the only one', pod({ containers: named('web') }, annotated('setup')), undefined, 'web'],
    ['the one of the annotation', pod(two, annotated('proxy')), undefined, 'proxy'],
    ['the first', pod(two), undefined, 'web'],
    ['the first, where the annotation names none', pod(two, annotated('gone')), undefined, 'web'],
    ['an init container by name', pod({ ...two, initContainers: named('setup') }), 'setup', 'setup'],
    ['an ephemeral one by name', pod({ ...two, ephemeralContainers: named('debug') }), 'debug', 'debug'],
  ])('%s', (_, object, wanted, chosen) => {
    expect(chooseContainer(object, wanted).name).toBe(chosen);
  });

  test('a name that there is not: those that there are', () => {
    const object = pod({ ...two, initContainers: named('setup'), ephemeralContainers: named('debug') });
    expect(() => chooseContainer(object, 'nope')).toThrow(
      'The Pod has no container "nope". It has: web, proxy, setup (init), debug (ephemeral).',
    );
    expect(() => chooseContainer({}, undefined)).toThrow('The Pod has no containers.');
    expect(() => chooseContainer({}, 'web')).toThrow('It has: none.');
  });

  test('the others are named', () => {
    const object = pod({ ...two, initContainers: named('setup') });
    expect(others(object, chooseContainer(object, undefined))).toBe('; other containers: proxy, setup (init)');
    const single = pod({ containers: named('web') });
    expect(others(single, chooseContainer(single, undefined))).toBe('');
  });
});

test.each([
  [{ running: { startedAt: 'x' } }, true, 'running'],
  [{ waiting: { reason: 'ImagePullBackOff', message: 'Back-off\npulling' } }, false, 'waiting: ImagePullBackOff: Back-off pulling'],
  [{ waiting: {} }, false, 'waiting: no reason given'],
  [{ terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: '2026-11-22T19:00:00Z' } }, false, 'terminated: exit code 137, OOMKilled, at 2026-11-22T19:00:00Z'],
  [{}, false, 'not started'],
])('state %j', (state, running, shown) => {
  const status = { containerStatuses: [{ name: 'web', state, restartCount: 3 }] };
  expect(containersOf(pod({ containers: named('web') }, { status }))).toEqual([
    { name: 'web', role: 'container', running, state: shown, restarts: 3 },
  ]);
}); // prettier-ignore
