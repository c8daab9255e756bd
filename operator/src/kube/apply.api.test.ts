import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import type { ControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { ForeignObjectError, createApplier } from './apply.ts';
import type { Ensured } from './apply.ts';
import type { KubeClient } from './client.ts';
import { isConflict } from './errors.ts';
import { clientAs, kinds, must, testClient } from './testing/api.ts';
import type { KubeObject, Resource } from './types.ts';
import { deployment } from './testing/deployment.ts';
import type { Container, Deployment } from './testing/deployment.ts';

const fieldManager = 'test-operator';
const hashAnnotation = 'example.com/applied-hash';
const other = { fieldManager: 'kubectl-edit' };

let plane: ControlPlane;
let client: KubeClient;
let writes = 0;

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  client = await testClient(plane.kubeconfig);
}, 120_000);
afterAll(async () => {
  await client.close();
  await plane.stop();
});

/** A client that counts what would write. */
function counting(): KubeClient {
  return new Proxy(client, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (typeof value !== 'function') return value;
      if (['apply', 'create', 'update', 'applyStatus', 'delete'].includes(String(property))) {
        return (...args: unknown[]) => {
          writes += 1;
          return Reflect.apply(value, target, args) as unknown;
        };
      }
      return value.bind(target) as unknown;
    },
  });
}

const isOurs = (live: KubeObject): boolean => live.metadata.labels?.['managed-by'] === 'test';

/** Reconciles as a new process would: reads what is there, remembers nothing. Says how often it wrote. */
async function reconcile<T extends KubeObject>(
  resource: Resource,
  desired: T,
): Promise<{ action: Ensured<T>['action']; wrote: number; object: T }> {
  writes = 0;
  const applier = createApplier({ client: counting(), fieldManager, hashAnnotation });
  const live = await client.get<T>(resource, desired.metadata, { metadataOnly: true });
  const { action, object } = await applier.ensure(resource, desired, live, { isOurs });
  return { action, wrote: writes, object };
}

const examples: [Resource, KubeObject & Record<string, unknown>][] = [
  [kinds.deployment, deployment('rest') as unknown as KubeObject & Record<string, unknown>],
  [
    kinds.service,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'rest', namespace: 'default', labels: { 'managed-by': 'test' }, annotations: {} },
      spec: {
        selector: { app: 'rest' },
        ports: [
          { name: 'https', port: 443, targetPort: 'https' },
          { name: 'u', port: 443, protocol: 'UDP' },
        ],
      },
    },
  ],
  [
    kinds.configMap,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'rest',
        namespace: 'default',
        labels: { 'managed-by': 'test' },
        finalizers: ['example.com/one'],
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            name: 'owner',
            uid: '11111111-2222-3333-4444-555555555555',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      data: { 'config.toml': 'a = "b"\n' },
    },
  ],
  [
    kinds.secret,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'rest', namespace: 'default', labels: { 'managed-by': 'test' } },
      type: 'Opaque',
      data: { a: 'Yg==' },
    },
  ],
];

test.each(examples)('%j: one write to create it, none at rest, none after a restart', async (resource, desired) => {
  expect(await reconcile(resource, desired)).toMatchObject({ action: 'created', wrote: 1 });
  expect(await reconcile(resource, desired)).toMatchObject({ action: 'unchanged', wrote: 0 });
  const live = await client.get(resource, desired.metadata);
  const managers = live?.metadata.managedFields?.map(({ manager, operation }) => `${manager ?? ''} ${operation ?? ''}`);
  expect(managers).toEqual([`${fieldManager} Apply`]);
});

/** What a person or another controller does to it. */
const edits: Record<string, (live: Deployment, container: Container) => void> = {
  'edits the image': (_, container) => (container.image = 'example.com/evil:1'),
  'edits an argument': (_, container) => container.args?.push('--debug'),
  'removes an environment variable': (_, container) => container.env?.shift(),
  'edits an environment variable': (_, container) => container.env?.splice(0, 1, { name: 'A', value: '2' }),
  'removes a label': (live) => delete live.metadata.labels?.['app'],
  'removes the annotations': (live) => (live.metadata.annotations = {}),
  'edits the hash': (live) => (live.metadata.annotations = { [hashAnnotation]: 'x' }),
  'removes a host alias': (live) => delete live.spec.template.spec['hostAliases'],
  'changes the strategy': (live) => (live.spec['strategy'] = { type: 'Recreate' }),
  'wipes managedFields': (live) => (live.metadata.managedFields = []),
};

test.each(Object.keys(edits))('somebody %s: one write brings it back', async (what) => {
  const key = { namespace: 'default', name: what.replaceAll(' ', '-').toLowerCase() };
  await reconcile(kinds.deployment, deployment(key.name));
  const before = must(await client.get<Deployment>(kinds.deployment, key));
  edits[what]?.(before, must(before.spec.template.spec.containers[0]));
  await client.update(kinds.deployment, before, other);
  expect(await reconcile(kinds.deployment, deployment(key.name))).toMatchObject({ action: 'applied', wrote: 1 });
  expect(await reconcile(kinds.deployment, deployment(key.name))).toMatchObject({ action: 'unchanged', wrote: 0 });
  const after = must(await client.get<Deployment>(kinds.deployment, key));
  const [container] = after.spec.template.spec.containers;
  expect(container).toMatchObject({ image: 'example.com/a:1', args: ['--config', '/etc/a'], env: { length: 3 } });
  expect(after).toMatchObject({
    metadata: { labels: { app: key.name } },
    spec: { strategy: { type: 'RollingUpdate' } },
  });
  expect(after.spec.template.spec['hostAliases']).toHaveLength(1);
});

test("what others add stays, and isn't a reason to write", async () => {
  await reconcile(kinds.deployment, deployment('shared'));
  const live = must(await client.get<Deployment>(kinds.deployment, { namespace: 'default', name: 'shared' }));
  must(live.spec.template.metadata.annotations)['kubectl.kubernetes.io/restartedAt'] = '2026-01-01T00:00:00Z';
  live.spec.replicas = 3;
  must(live.metadata.labels)['team'] = 'a';
  await client.update(kinds.deployment, live, { fieldManager: 'kubectl-rollout' });
  expect(await reconcile(kinds.deployment, deployment('shared'))).toMatchObject({ action: 'unchanged', wrote: 0 });
  const changed = deployment('shared');
  must(changed.spec.template.metadata.annotations)['hash'] = 'b';
  expect(await reconcile(kinds.deployment, changed)).toMatchObject({ action: 'applied', wrote: 1 });
  const after = await client.get<Deployment>(kinds.deployment, { namespace: 'default', name: 'shared' });
  expect(after).toMatchObject({
    metadata: { labels: { team: 'a' } },
    spec: {
      replicas: 3,
      template: {
        metadata: { annotations: { hash: 'b', 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' } },
      },
    },
  });
});

test('another manager takes a field by force: one write takes it back', async () => {
  await reconcile(kinds.deployment, deployment('forced'));
  const { apiVersion, kind } = deployment('forced');
  const theirs = {
    apiVersion,
    kind,
    metadata: { name: 'forced', namespace: 'default' },
    spec: { template: { spec: { containers: [{ name: 'main', image: 'example.com/theirs:1' }] } } },
  };
  await client.apply(kinds.deployment, theirs, { fieldManager: 'argocd', force: true });
  const { action, wrote, object } = await reconcile(kinds.deployment, deployment('forced'));
  expect({ action, wrote }).toEqual({ action: 'applied', wrote: 1 });
  expect(object.spec.template.spec.containers[0]?.image).toBe('example.com/a:1');
});

test('a field that is no longer wanted is removed, also after a create', async () => {
  await reconcile(kinds.deployment, deployment('pruned'));
  const desired = deployment('pruned');
  delete desired.spec.template.spec['hostAliases'];
  delete must(desired.spec.template.spec.containers[0]).env;
  const { action, object } = await reconcile(kinds.deployment, desired);
  expect(action).toBe('applied');
  expect(object.spec.template.spec['hostAliases']).toBeUndefined();
  expect(object.spec.template.spec.containers[0]).not.toHaveProperty('env');
  expect(await reconcile(kinds.deployment, desired)).toMatchObject({ action: 'unchanged', wrote: 0 });
});

test('undefined and null members are nothing', async () => {
  const desired = deployment('nothing');
  Object.assign(desired.spec, { replicas: undefined, paused: null });
  await reconcile(kinds.deployment, desired);
  expect(await reconcile(kinds.deployment, desired)).toMatchObject({ action: 'unchanged', wrote: 0 });
});

test('what the API server drops from an object is no reason to apply it for ever', async () => {
  const desired = deployment('dropped');
  // false is what is meant when the field isn't there, and so it isn't stored
  Object.assign(desired.spec.template.spec, { hostNetwork: false, nodeName: '' });
  const applier = createApplier({ client: counting(), fieldManager, hashAnnotation });
  const first = await applier.ensure(kinds.deployment, desired, undefined, { isOurs });
  writes = 0;
  const live = await client.get<Deployment>(kinds.deployment, desired.metadata);
  expect((await applier.ensure(kinds.deployment, desired, live, { isOurs })).action).toBe('unchanged');
  expect(writes).toBe(0);
  expect(first.action).toBe('created');
});

test("a foreign object is left alone, even when the cache doesn't know it yet", async () => {
  const theirs = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'theirs', namespace: 'default' },
    data: { a: '1' },
  };
  await client.create(kinds.configMap, theirs, other);
  const ours = { ...theirs, metadata: { ...theirs.metadata, labels: { 'managed-by': 'test' } }, data: { a: '2' } };
  const applier = createApplier({ client, fieldManager, hashAnnotation });
  await expect(applier.ensure(kinds.configMap, ours, undefined, { isOurs })).rejects.toThrow(ForeignObjectError);
  await expect(reconcile(kinds.configMap, ours)).rejects.toThrow('ConfigMap default/theirs exists already');
  const live = await client.get<typeof theirs>(kinds.configMap, theirs.metadata);
  expect(live).toMatchObject({ data: { a: '1' } });
  expect(live?.metadata).not.toHaveProperty('labels');
});

test('our own object that a stale cache lacks is taken up again, without a second one', async () => {
  const desired = deployment('stale');
  await reconcile(kinds.deployment, desired);
  const applier = createApplier({ client, fieldManager, hashAnnotation });
  expect((await applier.ensure(kinds.deployment, desired, undefined, { isOurs })).action).toBe('unchanged');
});

test('an object that was replaced meanwhile is not written to', async () => {
  const desired = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'replaced', namespace: 'default', labels: { 'managed-by': 'test' } },
    data: { a: '1' },
  };
  const { object: stale } = await reconcile(kinds.configMap, desired);
  await client.delete(kinds.configMap, desired.metadata);
  const changed = { ...desired, data: { a: '2' } };
  const applier = createApplier({ client, fieldManager, hashAnnotation });
  const gone = applier.ensure(kinds.configMap, changed, stale, { isOurs }).catch((error: unknown) => error);
  expect(isConflict(await gone)).toBe(true);
  expect(await client.get(kinds.configMap, desired.metadata)).toBeUndefined();
  await client.create(kinds.configMap, { ...desired, data: { a: 'theirs' } }, other);
  const replaced = applier.ensure(kinds.configMap, changed, stale, { isOurs }).catch((error: unknown) => error);
  expect(isConflict(await replaced)).toBe(true);
});

test('rights on one name suffice to create it, and no other', async () => {
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name: 'one-name', namespace: 'default' };
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get', 'create', 'patch'] },
  ];
  const role = { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules };
  const roleRef = { apiGroup: rbac, kind: 'Role', name: 'one-name' };
  const subjects = [{ kind: 'User', name: 'limited', apiGroup: rbac }];
  await client.create(kinds.role, role, other);
  await client.create(kinds.roleBinding, { ...role, kind: 'RoleBinding', roleRef, subjects } as KubeObject, other);
  const limited = await clientAs(plane.kubeconfig, 'limited');
  const applier = createApplier({ client: limited, fieldManager, hashAnnotation });
  const configMap = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { 'managed-by': 'test' } },
  });
  const ensure = (name: string): Promise<unknown> =>
    applier.ensure(kinds.configMap, configMap(name), undefined, { isOurs });
  await waitFor('RBAC to be effective', () => ensure('mine'), { deadlineMs: 5_000 });
  expect(await client.get(kinds.configMap, configMap('mine').metadata)).toBeDefined();
  await expect(ensure('other')).rejects.toThrow('cannot patch resource "configmaps"');
  await limited.close();
});

test('the API server agrees that the writes were what the tests counted', async () => {
  const lines = (await readFile(plane.auditLog, 'utf8')).trim().split('\n');
  const events = lines.map(
    (line) => JSON.parse(line) as { verb: string; objectRef?: { resource: string; name?: string } },
  );
  const rest = events.filter(
    ({ verb, objectRef }) =>
      objectRef?.resource === 'services' && objectRef.name === 'rest' && !['get', 'list', 'watch'].includes(verb),
  );
  expect(rest.map(({ verb }) => verb)).toEqual(['patch']);
});
