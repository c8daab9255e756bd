import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import type { ControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { createApplier } from './apply.ts';
import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import { kinds, must, testClient, widgetCrd } from './testing/api.ts';
import type { KubeObject } from './types.ts';

const fieldManager = 'test-operator';

interface Widget extends KubeObject {
  spec?: unknown;
  status?: { url?: string; replicas?: number; conditions?: { type: string; status: string; message?: string }[] };
}

const widget: Widget = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'default' },
  spec: { a: 1 },
};
const waiting = {
  url: 'https://a',
  replicas: 0,
  conditions: [
    { type: 'Ready', status: 'False', message: 'waiting' },
    { type: 'Stalled', status: 'False' },
  ],
};

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane();
  client = await testClient(plane.kubeconfig);
  await client.create(kinds.crd, widgetCrd, { fieldManager: 'test' });
  await waitFor('the CRD to be served', () => client.serves(kinds.widget), { deadlineMs: 20_000 });
}, 120_000);
afterAll(async () => {
  await client.close();
  await plane.stop();
});
beforeEach(async () => {
  await client.delete(kinds.widget, widget.metadata);
  await client.create(kinds.widget, widget, { fieldManager: 'test' });
});

const read = async (): Promise<Widget> => must(await client.get<Widget>(kinds.widget, widget.metadata));

/** Writes the status as a new process would; says what it did. */
async function write(status: NonNullable<Widget['status']>): Promise<string> {
  const applier = createApplier({ client, fieldManager, hashAnnotation: 'example.com/hash' });
  return (await applier.ensureStatus(kinds.widget, { ...widget, status }, await read())).action;
}

test('is written when it differs, and only then', async () => {
  expect(await write(waiting)).toBe('applied');
  expect(await write(waiting)).toBe('unchanged');
  const ready = {
    ...waiting,
    replicas: 1,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Stalled', status: 'False' },
    ],
  };
  expect(await write(ready)).toBe('applied');
  expect(await write(ready)).toBe('unchanged');
  expect((await read()).status).toEqual(ready);
});

test('loses the fields that are no longer wanted', async () => {
  await write(waiting);
  const { url: _, ...rest } = waiting;
  expect(await write(rest)).toBe('applied');
  expect((await read()).status).toEqual(rest);
  expect(await write(rest)).toBe('unchanged');
  expect(await write({ ...rest, conditions: [] })).toBe('applied');
  expect(await write({ ...rest, conditions: [] })).toBe('unchanged');
});

test('comes back when another manager changed it', async () => {
  await write(waiting);
  const live = await read();
  must(live.status?.conditions?.[0]).status = 'Unknown';
  await client.applyStatus(kinds.widget, { ...widget, status: live.status } as Widget, {
    fieldManager: 'x',
    force: true,
  });
  expect(await write(waiting)).toBe('applied');
  expect(await write(waiting)).toBe('unchanged');
  expect((await read()).status).toEqual(waiting);
});

test("leaves another manager's condition alone", async () => {
  await write(waiting);
  const theirs = { conditions: [{ type: 'Theirs', status: 'True' }] };
  await client.applyStatus(kinds.widget, { ...widget, status: theirs }, { fieldManager: 'x' });
  expect(await write(waiting)).toBe('unchanged');
  expect(await write({ ...waiting, url: 'https://b' })).toBe('applied');
  expect((await read()).status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Stalled', 'Theirs']);
});

test('does not bring back an object that is gone', async () => {
  const stale = await read();
  await client.delete(kinds.widget, widget.metadata);
  const applier = createApplier({ client, fieldManager, hashAnnotation: 'example.com/hash' });
  const writing = applier.ensureStatus(kinds.widget, { ...widget, status: waiting }, stale);
  expect(isNotFound(await writing.catch((error: unknown) => error))).toBe(true);
  expect(await client.get(kinds.widget, widget.metadata)).toBeUndefined();
});
