import { expect, test } from '@jest/globals';
import { ApiError, type KubeObject } from '../kube/index.ts';
import { kinds } from '../kube/testing/api.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { FakeWatchServer, object } from '../kube/testing/fake-watch.ts';
import { SharedObjects } from './shared-objects.ts';

const key = (name: string) => ({ namespace: 'ns', name });

function setup(prepare?: (server: FakeWatchServer) => void) {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const woken: string[] = [];
  prepare?.(server);
  const options = { client: server.client, resource: kinds.configMap, clock, random: () => 0 };
  const objects = new SharedObjects<KubeObject>(options, (user) => woken.push(user));
  return {
    server,
    clock,
    objects,
    start: async () => {
      objects.start();
      await clock.advance(0);
    },
    /** Who was woken since the last time. */
    woken: () => woken.splice(0).sort(),
  };
}

test('one watch serves all, and wakes those who looked at what changed', async () => {
  const { server, objects, start, woken } = setup();
  expect(objects.look(key('a'), 'one')).toEqual({ state: 'pending' });
  expect(objects.look(key('b'), 'two')).toEqual({ state: 'pending' });
  await start();
  expect(woken()).toEqual(['one', 'two']);
  expect(objects.look(key('a'), 'one')).toEqual({ state: 'absent' });

  await server.current.send({ type: 'ADDED', object: object('a', '12') });
  expect(woken()).toEqual(['one']);
  expect(objects.look(key('a'), 'one')).toMatchObject({ state: 'present', object: { metadata: { name: 'a' } } });
  await server.current.send({ type: 'MODIFIED', object: object('a', '13') });
  await server.current.send({ type: 'DELETED', object: object('a', '14') });
  expect(woken()).toEqual(['one', 'one']);
  expect(server.watches).toHaveLength(1);
  await objects.stop();
});

test('who has let go is woken no more', async () => {
  const { server, objects, start, woken } = setup();
  await start();
  for (const name of ['a', 'b']) objects.look(key(name), 'one');
  objects.look(key('a'), 'two');
  objects.release('one', [key('b')]);
  await server.current.send({ type: 'ADDED', object: object('a', '12') });
  await server.current.send({ type: 'ADDED', object: object('b', '13') });
  expect(woken()).toEqual(['one', 'two']);
  objects.release('one');
  objects.release('two');
  await server.current.send({ type: 'MODIFIED', object: object('b', '14') });
  expect(woken()).toEqual([]);
  await objects.stop();
});

test('contact that is lost and found wakes nobody, and what was known is known', async () => {
  const { server, clock, objects, start, woken } = setup(({ lists }) => {
    lists[0] = { resourceVersion: '12', items: [object('a', '12')] };
  });
  objects.look(key('a'), 'one');
  await start();
  expect(woken()).toEqual(['one', 'one']);
  const lost = new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' });
  server.refusal = lost;
  await server.current.fail(lost);
  await clock.advance(60_000);
  expect([objects.state().phase, objects.look(key('a'), 'one').state]).toEqual(['retrying', 'present']);
  server.refusal = undefined;
  await clock.advance(2_000);
  expect(objects.state().phase).toBe('synced');
  expect(woken()).toEqual([]);
  await objects.stop();
});

test.each([
  ['MissingKind', 404, 'absent'],
  ['Forbidden', 403, 'forbidden'],
])('%s: says so', async (reason, status, state) => {
  const { objects, start } = setup((server) => {
    server.lists = [new ApiError({ status, reason, message: 'why' })];
  });
  await start();
  expect(objects.look(key('a'), 'one')).toMatchObject({ state });
  expect(objects.answered().phase).toBe(state);
  await objects.stop();
});
