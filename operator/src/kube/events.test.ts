import { expect, test } from '@jest/globals';
import type { KubeClient } from './client.ts';
import { createEventRecorder } from './events.ts';
import type { EventInput, EventRecorder, EventRecorderOptions } from './events.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import type { KubeObject } from './types.ts';

interface Written extends KubeObject {
  note: string;
  reason: string;
  series?: { count: number; lastObservedTime: string };
}

function setup(options: Partial<EventRecorderOptions> = {}): {
  recorder: EventRecorder;
  clock: FakeClock;
  created: Written[];
  applied: Written[];
} {
  const clock = new FakeClock();
  const created: Written[] = [];
  const applied: Written[] = [];
  const client = {
    create: (_: unknown, event: Written) => Promise.resolve(created.push(event)),
    apply: (_: unknown, event: Written) => Promise.resolve(applied.push(event)),
  } as unknown as KubeClient;
  const recorder = createEventRecorder({ client, controller: 'example.com/op', instance: 'pod', clock, ...options });
  return { recorder, clock, created, applied };
}

const regarding: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '1' },
};
const input: EventInput = { regarding, type: 'Warning', reason: 'Conflict', action: 'Reconcile', note: 'taken' };

test('the same event becomes a series of one, whose count is written once a minute', async () => {
  const { recorder, clock, created, applied } = setup();
  for (let i = 0; i < 100; i++) {
    recorder.event({
      ...input,
      regarding: { ...regarding, metadata: { ...regarding.metadata, resourceVersion: String(i) } },
    });
    await clock.advance(1_000);
  }
  expect(created).toHaveLength(1);
  expect(applied).toHaveLength(1);
  await recorder.stop();
  expect(applied.map(({ series }) => series?.count)).toEqual([61, 100]);
  // The API server takes a change of nothing else, the version of what it is about included.
  for (const { series: _, ...rest } of applied) expect(rest).toEqual(created[0]);
  expect(clock.timers).toBe(0);
});

test('after six quiet minutes, or with another note, reason or object, it is a new event', async () => {
  const { recorder, clock, created } = setup();
  recorder.event(input);
  recorder.event({ ...input, note: 'taken by x' });
  recorder.event({ ...input, reason: 'Other' });
  recorder.event({ ...input, regarding: { ...regarding, metadata: { ...regarding.metadata, uid: 'v' } } });
  await settle();
  expect(created).toHaveLength(4);
  await clock.advance(6 * 60_000);
  recorder.event(input);
  await settle();
  expect(created).toHaveLength(5);
});

test('one object can not flood the API server, and keeps no other from telling', async () => {
  const { recorder, clock, created } = setup({ burst: 3, refillMs: 10_000 });
  for (let i = 0; i < 50; i++) recorder.event({ ...input, note: `note ${i}` });
  recorder.event({ ...input, regarding: { ...regarding, metadata: { name: 'b', namespace: 'n', uid: 'v' } } });
  await settle();
  expect(created.map(({ note }) => note)).toEqual(['note 0', 'note 1', 'note 2', 'taken']);
  await clock.advance(10_000);
  for (let i = 50; i < 60; i++) recorder.event({ ...input, note: `note ${i}` });
  await settle();
  expect(created).toHaveLength(5);
});

test('notes are cut at 1024 bytes, between characters', async () => {
  const { recorder, created } = setup();
  recorder.event({ ...input, note: 'é€😀'.repeat(300) });
  await settle();
  const note = created[0]?.note ?? '';
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(Buffer.byteLength(note)).toBeGreaterThan(1015);
  expect(note).not.toMatch(/\uFFFD|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
  expect(note.endsWith('…')).toBe(true);
});

test('failures are nobody else’s business', async () => {
  const messages: string[] = [];
  const client = { create: () => Promise.reject(new Error('forbidden')) } as unknown as KubeClient;
  const debug = (message: string): number => messages.push(message);
  const logger = { debug, info: debug, warn: debug, error: debug };
  const { recorder } = setup({ client, logger });
  recorder.event(input);
  recorder.event({ ...input, reason: 'Other' });
  await recorder.stop();
  expect(messages).toHaveLength(2);
  recorder.event({ ...input, reason: 'Late' });
  await settle();
  expect(messages).toHaveLength(2);
});
