import { expect, test } from '@jest/globals';
import { ApiError, type KubeObject } from '../kube/index.ts';
import { kinds } from '../kube/testing/api.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { FakeWatchServer } from '../kube/testing/fake-watch.ts';
import { KindCache } from './kind-cache.ts';

test('that a kind is not served holds while there is no contact: nothing waits for it', async () => {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const options = { client: server.client, resource: kinds.configMap, clock, random: () => 0 };
  const cache = new KindCache<KubeObject>([], options);
  server.lists = [new ApiError({ status: 404, reason: 'MissingKind', message: 'no such kind' })];
  cache.start();
  await clock.advance(0);
  expect([cache.isSettled(), cache.answered('ns/a').phase]).toEqual([true, 'absent']);
  server.lists = [new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' })];
  const { listed } = server;
  await clock.advance(60_000);
  expect(server.listed).toBeGreaterThan(listed);
  expect([cache.isSettled(), cache.answered('ns/a').phase]).toEqual([true, 'absent']);
  await cache.stop();
});
