import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import type { ControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { KubeClient } from './client.ts';
import { createInformerRegistry } from './registry.ts';
import type { InformerRegistry } from './registry.ts';
import { clientAs, kinds, testClient } from './testing/api.ts';
import type { KubeObject, ObjectKey } from './types.ts';
import { keyOf } from './types.ts';

const manager = { fieldManager: 'test' };
const soon = { deadlineMs: 10_000, intervalMs: 10 };
const limitedUser = 'system:serviceaccount:operators:limited';

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

let plane: ControlPlane;
let admin: KubeClient;
/** What it may do is in the Roles of the test only. */
let limited: KubeClient;
let registry: InformerRegistry<Secret>;
const changes: string[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  admin = await testClient(plane.kubeconfig);
  limited = await clientAs(plane.kubeconfig, limitedUser);
  await grant('one', ['granted', 'late']);
  registry = createInformerRegistry<Secret>({
    client: limited,
    resource: kinds.secret,
    onChange: (key) => changes.push(keyOf(key)),
    timings: { backoffMinMs: 50, backoffMaxMs: 200 },
  });
}, 120_000);
afterEach(() => {
  registry.releaseAll('a');
  registry.releaseAll('b');
});
afterAll(async () => {
  await registry.stop();
  await Promise.all([admin.close(), limited.close()]);
  await plane.stop();
});

/** The Role that the samples come with: `get` and `watch` on names, never `list`. */
async function grant(role: string, resourceNames: string[]): Promise<void> {
  const metadata = { name: role, namespace: 'default' };
  const rbac = 'rbac.authorization.k8s.io';
  const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames, verbs: ['get', 'watch'] }];
  const of = { apiVersion: `${rbac}/v1`, metadata };
  await admin.create(kinds.role, { ...of, kind: 'Role', rules } as KubeObject, manager);
  const roleRef = { apiGroup: rbac, kind: 'Role', name: role };
  const subjects = [{ kind: 'ServiceAccount', name: 'limited', namespace: 'operators' }];
  await admin.create(kinds.roleBinding, { ...of, kind: 'RoleBinding', roleRef, subjects } as KubeObject, manager);
}

const secret = (name: string, value: string): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default' },
  data: { value: Buffer.from(value).toString('base64') },
});
const key = (name: string): ObjectKey => ({ namespace: 'default', name });
const write = (name: string, value: string): Promise<Secret> =>
  admin.apply(kinds.secret, secret(name, value), { ...manager, force: true });

test('a Secret is followed with get and watch on its name alone', async () => {
  const informer = registry.acquire(key('granted'), 'a');
  await informer.settled();
  expect(informer.state().phase).toBe('synced');
  expect(informer.store.get('default/granted')).toBeUndefined();
  await write('granted', '1');
  await waitFor('its creation to be seen', () => informer.store.size === 1, soon);
  const { metadata } = await write('granted', '2');
  const version = (): string | undefined => informer.store.get(key('granted'))?.metadata.resourceVersion;
  await waitFor('its change to be seen', () => version() === metadata.resourceVersion, soon);
  await write('unrelated', '1');
  await admin.delete(kinds.secret, key('granted'));
  await waitFor('its deletion to be seen', () => informer.store.size === 0, soon);
  expect(changes).toEqual(Array(4).fill('default/granted'));
});

test('one that exists already is there when it has settled', async () => {
  await write('late', '1');
  const informer = registry.acquire(key('late'), 'a');
  await informer.settled();
  expect(informer.store.size).toBe(1);
});

test('without rights it says so, and recovers when they are granted', async () => {
  await write('secret', 'confidential');
  const informer = registry.acquire(key('secret'), 'a');
  await informer.settled();
  expect(informer.state()).toMatchObject({ phase: 'forbidden' });
  expect(informer.state().message).toMatch(`User "${limitedUser}" cannot watch resource "secrets"`);
  await grant('two', ['secret']);
  await waitFor('the grant to be noticed', () => informer.state().phase === 'synced', soon);
  expect(informer.store.size).toBe(1);
});

test('watch without get is forbidden, too', async () => {
  const rbac = 'rbac.authorization.k8s.io';
  const role = {
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name: 'two', namespace: 'default' },
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['secret'], verbs: ['watch'] }],
  };
  await admin.apply(kinds.role, role, { ...manager, force: true });
  const mayGet = (): Promise<boolean> =>
    limited.get(kinds.secret, key('secret')).then(
      () => true,
      () => false,
    );
  await waitFor('the right to be gone', async () => !(await mayGet()), soon);
  const informer = registry.acquire(key('secret'), 'a');
  await informer.settled();
  expect(informer.state()).toMatchObject({ phase: 'forbidden' });
  expect(informer.state().message).toMatch('cannot get resource "secrets"');
});

test('it is watched once for all its users, and until the last lets go', async () => {
  const informer = registry.acquire(key('granted'), 'a');
  expect(registry.acquire(key('granted'), 'b')).toBe(informer);
  expect(registry.acquire(key('granted'), 'b')).toBe(informer);
  registry.acquire(key('late'), 'b');
  expect([registry.size, registry.usersOf(key('granted'))]).toEqual([2, ['a', 'b']]);
  registry.release(key('granted'), 'a');
  registry.releaseAll('b', [key('granted')]);
  expect([registry.size, registry.peek(key('granted'))]).toEqual([1, informer]);
  registry.releaseAll('b');
  expect([registry.size, registry.peek(key('granted'))]).toEqual([0, undefined]);
  await waitFor('the watch to be stopped', () => informer.state().phase === 'stopped', soon);
});

test('the API server was never asked for a list', async () => {
  const lines = (await readFile(plane.auditLog, 'utf8')).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { verb: string; impersonatedUser?: { username: string } });
  const verbs = events.filter((event) => event.impersonatedUser?.username === limitedUser).map(({ verb }) => verb);
  expect([...new Set(verbs)].sort()).toEqual(['get', 'watch']);
});
