import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { CERTIFICATE_REQUEST, HORIZONTAL_POD_AUTOSCALER, POD, SECRET } from '../api/external.ts';
import type { Clock, KubeClient, Resource, WatchOptions } from '../kube/index.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { createCaches } from './caches.ts';

const SOON = { deadlineMs: 5_000, intervalMs: 1 };

/** An API server with nothing in it. Of `held` there is no list before it resolves. */
function setup(held?: { plural: string; until: Promise<unknown> }, clock?: Clock) {
  const open = { watches: 0 };
  const client = {
    async *pages({ plural }: Resource) {
      if (plural === held?.plural) await held.until;
      yield { resourceVersion: '1', items: [] };
    },
    get: () => Promise.resolve(undefined),
    watch: (_: Resource, { signal, onOpen }: WatchOptions<never>) => {
      open.watches += 1;
      onOpen?.();
      return new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          open.watches -= 1;
          resolve();
        });
      });
    },
  } as unknown as KubeClient;
  const aborted: boolean[] = [];
  const ask = (_: unknown, signal: AbortSignal) => {
    signal.addEventListener('abort', () => aborted.push(true));
    return new Promise<never>(() => undefined);
  };
  const caches = createCaches({
    ...{ client, namespaces: [], wake: () => undefined, checkIssuer: ask, probeKcp: ask },
    ...(clock && { clock }),
  });
  return { caches, open, aborted };
}

test.each([CERTIFICATE_REQUEST.plural, HORIZONTAL_POD_AUTOSCALER.plural, POD.plural])(
  'work begins once %s were listed, too: without them a status would say less than before, and then the same again',
  async (plural) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { caches } = setup({ plural, until: promise });
    caches.start();
    let settled = false;
    const settling = caches.settled().then(() => (settled = true));
    await waitFor('the other kinds', () => caches.notReady().length === 0, SOON);
    await tick();
    expect(settled).toBe(false);
    resolve(undefined);
    await settling;
    await caches.stop();
  },
);

test('a kind of others that can never be listed is waited for half a minute only, one of ours for ever', async () => {
  const clock = new FakeClock();
  const never = new Promise<never>(() => undefined);
  const worlds = ['frontproxies', 'httproutes', 'services'].map((plural) => setup({ plural, until: never }, clock));
  const settled: number[] = [];
  worlds.forEach(({ caches }, index) => {
    caches.start();
    void caches.settled().then(() => settled.push(index));
  });
  await clock.advance(29_000);
  expect(settled).toEqual([]);
  await clock.advance(2_000);
  expect(settled).toEqual([0, 1]);
});

test('at the end of a term everything is let go, whoever referred to it', async () => {
  const { caches, open, aborted } = setup();
  const secrets = caches.metadataOf(SECRET);
  secrets.look({ namespace: 'a', name: 'b' }, 'gone/server');
  caches.issuers.look({ issuer: 'https://auth.example.com', aliases: [] }, 'gone/server');
  caches.kcps.look({ server: 'https://kcp.example.com', aliases: [] }, 'gone/server');
  await waitFor('a watch', () => open.watches === 1, SOON);
  caches.releaseAll();
  expect([secrets.size, caches.issuers.size, caches.kcps.size, aborted.length]).toEqual([0, 0, 0, 2]);
  await waitFor('the watch to end', () => open.watches === 0, SOON);
  await caches.stop();
});
