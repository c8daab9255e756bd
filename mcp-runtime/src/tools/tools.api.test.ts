import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { startApiFront } from '../testing/api-front.ts';
import type { ApiFront } from '../testing/api-front.ts';
import { createBench } from '../testing/toolset.ts';
import type { ToolBench } from '../testing/toolset.ts';

let front: ApiFront;
let bench: ToolBench;
const PASSWORD = Buffer.from('correct-horse').toString('base64');

beforeAll(async () => {
  front = await startApiFront();
  await seed();
  bench = createBench(front);
}, 120_000);

afterAll(async () => {
  await bench.kcp.close();
  await front.stop();
}, 60_000);

const create = (path: string, object: object) => front.admin('POST', path, object);

/** alice reads everything but Secrets of the namespace `closed`; nobody reads nothing. */
async function seed(): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: 'reader' };
  const rules = [
    { apiGroups: ['', 'apps', 'rbac.authorization.k8s.io'], resources: ['configmaps', 'namespaces', 'deployments', 'clusterroles'], verbs: ['get', 'list'] },
  ]; // prettier-ignore
  await create(`${rbac}/clusterroles`, { metadata, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }];
  await create(`${rbac}/clusterrolebindings`, { metadata, roleRef, subjects });
  const secretRules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }];
  await create(`${rbac}/namespaces/default/roles`, { metadata, rules: secretRules });
  const secretRef = { ...roleRef, kind: 'Role' };
  await create(`${rbac}/namespaces/default/rolebindings`, { metadata, roleRef: secretRef, subjects });
  for (let index = 0; index < 25; index += 1) {
    const name = `cm-${String(index).padStart(2, '0')}`;
    const labels = { even: String(index % 2 === 0) };
    await create('/api/v1/namespaces/default/configmaps', {
      metadata: { name, labels },
      data: { text: 'x'.repeat(5000) },
    });
  }
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"password":"${PASSWORD}"}}` };
  const secret = { metadata: { name: 'db', annotations }, data: { password: PASSWORD } };
  await create('/api/v1/namespaces/default/secrets', secret);
}

describe('tools on a real API server', () => {
  test('namespaces, as a table and as YAML', async () => {
    expect(await bench.text('namespaces_list')).toMatch(/^NAME +STATUS +AGE\ndefault +Active +\S+\n/);
    const objects = parse(
      await bench.text('namespaces_list', { output: 'yaml', fieldSelector: 'metadata.name=default' }),
    ) as unknown;
    expect(objects).toMatchObject([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }]);
  });

  test('pages are counted and lead to the end, each object once', async () => {
    const found: string[] = [];
    const notes: string[] = [];
    let next: string | undefined;
    do {
      const args = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: 'default',
        limit: 10,
        ...(next !== undefined && { continue: next }),
      };
      const text = await bench.text('resources_list', args);
      found.push(...(text.match(/cm-\d\d/g) ?? []));
      notes.push(/\[cut after .*? follow/.exec(text)?.[0] ?? '');
      next = /continue: "([^"]+)"\]$/.exec(text)?.[1];
    } while (next !== undefined);
    expect(found).toHaveLength(25);
    expect(new Set(found).size).toBe(25);
    expect(notes).toEqual(['[cut after 10: 15 more follow', '[cut after 10: 5 more follow', '']);
  });

  test('YAML beyond one answer goes on where it was cut', async () => {
    const found: string[] = [];
    let next: string | undefined;
    let calls = 0;
    do {
      const args = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        output: 'yaml',
        ...(next !== undefined && { continue: next }),
      };
      const text = await bench.text('resources_list', args);
      found.push(...(text.match(/name: cm-\d\d/g) ?? []));
      next = /continue: "([^"]+)"\]$/.exec(text)?.[1];
      calls += 1;
    } while (next !== undefined);
    expect(new Set(found).size).toBe(25);
    expect(found).toHaveLength(25);
    expect(calls).toBeGreaterThan(1);
  });

  test('selectors and namespaces across all', async () => {
    const text = await bench.text('resources_list', { apiVersion: 'v1', kind: 'cm', labelSelector: 'even=false' });
    expect(text).toMatch(/^NAMESPACE +NAME +DATA +AGE\n/);
    expect(text.match(/^default +cm-\d[13579] +1 /gm)).toHaveLength(12);
    expect(await bench.failure('resources_list', { apiVersion: 'v1', kind: 'cm', labelSelector: 'a in (' })).toContain(
      'kcp answered 400: unable to parse requirement',
    );
  });

  test('other groups, by the same discovery', async () => {
    const roles = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' };
    expect(await bench.text('resources_list', roles)).toContain('system:discovery');
    const role = parse(await bench.text('resources_get', { ...roles, name: 'system:discovery' })) as unknown;
    expect(role).toMatchObject({ kind: 'ClusterRole', metadata: { name: 'system:discovery' } });
    expect(await bench.text('resources_list', { apiVersion: 'apps/v1', kind: 'Deployment' })).toBe(
      'There are no objects of kind Deployment in workspace root.',
    );
  });

  test('values of Secrets are not shown', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: 'default' };
    for (const output of ['table', 'yaml']) {
      const text = await bench.text('resources_list', { ...secret, output });
      expect(text).toContain('db');
      expect(text).not.toContain(PASSWORD);
    }
    expect(await bench.text('resources_get', { ...secret, name: 'db' })).toContain('password: "[redacted]"');
  });

  test('what is missing is named: object, kind, apiVersion', async () => {
    const get = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nope' };
    expect(await bench.failure('resources_get', get)).toContain('There is no ConfigMap "nope" in namespace default');
    expect(await bench.failure('resources_get', { ...get, kind: 'Confmap' })).toContain('Did you mean ConfigMap?');
    expect(await bench.failure('resources_get', { ...get, apiVersion: 'app/v1', kind: 'Deployment' })).toContain(
      'Did you mean apps/v1?',
    );
    expect(await bench.failure('resources_get', { ...get, apiVersion: 'apps/v3', kind: 'Deployment' })).toContain(
      'apps/v1',
    );
  });

  test('a missing right names verb, resource, namespace and user', async () => {
    const secrets = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system' };
    expect(await bench.failure('resources_list', secrets)).toContain(
      'alice may not list secrets in namespace kube-system of workspace root (403). alice may enter the workspace',
    );
    expect(await bench.failure('namespaces_list', {}, 'bob')).toContain(
      'bob may not list namespaces in workspace root',
    );
  });

  test('a warm call is one request', async () => {
    await bench.text('resources_list', { apiVersion: 'v1', kind: 'ConfigMap' });
    front.seen.length = 0;
    await bench.text('resources_list', { apiVersion: 'v1', kind: 'ConfigMap' });
    expect(front.seen).toHaveLength(1);
  });
});
