import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { openApi } from './api.ts';
import type { Api } from './api.ts';
import { newRunDir, startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
`;

let plane: ControlPlane;
let api: Api;

beforeAll(async () => {
  const dir = await newRunDir();
  await writeFile(join(dir, 'crd.yaml'), widgets);
  plane = await startControlPlane({ dir, audit: true, crds: [join(dir, 'crd.yaml')] });
  api = await openApi(plane.kubeconfig);
}, 600_000);

afterAll(async () => {
  api.close();
  await plane.stop();
  await rm(plane.dir, { recursive: true });
});

test('serves the CRDs it was given by the time it returns', async () => {
  const list = await api.request('/apis/example.com/v1/widgets');
  expect(list).toMatchObject({ kind: 'WidgetList', items: [] });
});

test('writes who did what to the audit log, and no bodies', async () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'audited' },
    stringData: { key: 'not-in-the-log' },
  };
  await api.apply('/api/v1/namespaces/default/secrets', secret);
  const lines = (await readFile(plane.auditLog, 'utf8')).trim().split('\n');
  const events = lines.map(
    (line) => JSON.parse(line) as { verb: string; objectRef?: { name?: string }; user: { username: string } },
  );
  expect(events.find((event) => event.objectRef?.name === 'audited')).toMatchObject({
    verb: 'patch',
    user: { username: 'admin' },
  });
  expect(lines.join('')).not.toContain('not-in-the-log');
});

test('keeps its data and address through a crash', async () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { key: 'value' } };
  await api.apply('/api/v1/namespaces/default/configmaps', map);
  await plane.kill();
  await expect(api.request('/readyz')).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  await plane.restart();
  const read = await waitFor('the object', () => api.request('/api/v1/namespaces/default/configmaps/kept'), {
    deadlineMs: 5000,
  });
  expect(read).toMatchObject({ data: { key: 'value' } });
}, 60_000);

test('removes its folder when it made it, and leaves no process', async () => {
  const other = await startControlPlane();
  expect(existsSync(other.kubeconfig)).toBe(true);
  await other.stop();
  expect(existsSync(other.dir)).toBe(false);
  await expect(fetch(other.url)).rejects.toThrow();
}, 60_000);
