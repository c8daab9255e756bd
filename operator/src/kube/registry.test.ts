import { expect, test } from '@jest/globals';
import { createInformerRegistry } from './registry.ts';
import { kinds } from './testing/api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { FakeWatchServer, object } from './testing/fake-watch.ts';
import { Turns } from './turns.ts';
import { keyOf, type KubeObject, type ObjectKey } from './types.ts';

function setup() {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const changes: string[] = [];
  const onChange = (changed: ObjectKey): void => void changes.push(keyOf(changed));
  const turns = new Turns(32, clock);
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
