import { expect, test } from '@jest/globals';
import { ApiError } from './errors.ts';
import { createInformerRegistry } from './registry.ts';
import { kinds } from './testing/api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { FakeWatchServer, object } from './testing/fake-watch.ts';
import { Turns } from './turns.ts';
import { keyOf, type KubeObject, type ObjectKey } from './types.ts';

function setup(atOnce = 32) {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const changes: string[] = [];
  const onChange = (changed: ObjectKey): void => void changes.push(keyOf(changed));
  const turns = new Turns(atOnce, clock);
  const options = { client: server.client, resource: kinds.configMap, onChange, clock, turns };
  return { server, clock, turns, changes, registry: createInformerRegistry<KubeObject>(options) };
}

const key = { namespace: 'ns', name: 'a' };

test('the watch of what was just written waits for more urgent work, and misses nothing', async () => {
  const { server, clock, turns, registry } = setup();
  turns.setBusy(true);
  const { store } = registry.acquire(key, 'user', object('a', '12'));
  await clock.advance(0);
  expect(server.watches).toHaveLength(0);
  expect(store.get(key)?.metadata.resourceVersion).toBe('12');
  turns.setBusy(false);
  await clock.advance(0);
  expect(server.current.options.resourceVersion).toBe('12');
  await server.current.send({ type: 'MODIFIED', object: object('a', '13') });
  expect(store.get(key)?.metadata.resourceVersion).toBe('13');
  // When it is renewed, it waits for nobody.
  turns.setBusy(true);
  await clock.advance(2_000);
  await server.current.end();
  expect(server.watches).toHaveLength(2);
  await registry.stop();
});

test('what waits ends with the registry, begins nothing, and tells nobody', async () => {
  const { server, clock, turns, changes, registry } = setup();
  turns.setBusy(true);
  registry.acquire(key, 'user', object('a', '12'));
  registry.release(key, 'user');
  registry.acquire(key, 'user', object('a', '13'));
  await clock.advance(0);
  await registry.stop();
  expect(server.watches).toHaveLength(0);
  expect(clock.timers).toBe(0);
  expect(changes).toEqual([]);
});

test('an outage wakes nobody, and few ask whether it is over', async () => {
  const { server, clock, turns, changes, registry } = setup(2);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const name of names) registry.acquire({ namespace: 'ns', name }, 'user', object(name, '12'));
  turns.hurry();
  await clock.advance(2_000);
  const open = server.watches.splice(0);
  expect(open).toHaveLength(6);
  server.refusal = new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' });
  for (const watch of open) await watch.fail(server.refusal);
  await clock.advance(60_000);
  // Two at a time, each with pauses of 1 to 2 s at the longest.
  expect(server.watches.length).toBeGreaterThan(60);
  expect(server.watches.length).toBeLessThan(140);
  server.watches.splice(0);
  server.refusal = undefined;
  await clock.advance(2_000);
  expect(server.watches.map(({ options }) => options.fieldSelector).sort()).toEqual(
    names.map((name) => `metadata.name=${name}`),
  );
  expect(changes).toEqual([]);
  await registry.stop();
});

test('one that is refused lets others have its turn', async () => {
  const { server, clock, changes, registry } = setup(1);
  server.refusal = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
  const informer = registry.acquire(key, 'user');
  await clock.advance(0);
  expect([informer.answered().phase, changes]).toEqual(['forbidden', ['ns/a']]);
  server.refusal = undefined;
  registry.acquire({ namespace: 'ns', name: 'b' }, 'user', object('b', '12'));
  await clock.advance(10);
  expect(server.current.options.fieldSelector).toBe('metadata.name=b');
  await registry.stop();
});

test('one that is refused after an outage, as it was before, keeps no turn', async () => {
  const { server, clock, registry } = setup(1);
  const refused = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
  server.refusal = refused;
  registry.acquire(key, 'user');
  registry.acquire({ namespace: 'ns', name: 'b' }, 'user');
  await clock.advance(300_000);
  server.refusal = new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' });
  await clock.advance(60_000);
  server.refusal = refused;
  server.watches.splice(0);
  for (let ms = 0; ms < 10_000 && server.watches.length === 0; ms += 10) await clock.advance(10);
  await clock.advance(100);
  const asked = server.watches.map(({ options }) => options.fieldSelector).sort();
  expect(asked).toEqual(['metadata.name=a', 'metadata.name=b']);
  await registry.stop();
});
