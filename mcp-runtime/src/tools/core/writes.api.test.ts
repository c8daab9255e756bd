import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { startApiFront } from '../../testing/api-front.ts';
import type { ApiFront } from '../../testing/api-front.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';

// Tools that change something, on a real API server: applies, conflicts, preconditions and finalizers are its own.

let front: ApiFront;
let bench: ToolBench;

beforeAll(async () => {
  front = await startApiFront();
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [
    { apiGroups: ['', 'apps'], resources: ['configmaps', 'secrets', 'namespaces', 'deployments', 'deployments/scale'], verbs: ['*'] },
    { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['*'] },
    { apiGroups: ['example.com'], resources: ['*'], verbs: ['*'] },
  ]; // prettier-ignore
  await front.admin('POST', `${rbac}/clusterroles`, { metadata: { name: 'editor' }, rules });
  await front.admin('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'editor' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'editor' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
  });
  bench = createBench(front);
}, 120_000);

afterAll(async () => {
  await bench.kcp.close();
  await front.stop();
}, 60_000);

const configMap = (name: string, data: Record<string, string>) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata: ${JSON.stringify(data)}\n`;
const apply = (resource: string, args: object = {}) => bench.text('resources_create_or_update', { resource, ...args });
const read = (name: string) => front.admin('GET', `/api/v1/namespaces/default/configmaps/${name}`);

describe('resources_create_or_update', () => {
  test('creates, shows the diff of a change, and says that nothing changes', async () => {
    expect(await apply(configMap('one', { a: '1', b: '2' }))).toMatch(
      /^ConfigMap default\/one in workspace root: created\nkind: ConfigMap\napiVersion: v1\n/,
    );
    expect(await apply(configMap('one', { a: '1', b: '3' }))).toBe(
      [
        'ConfigMap default/one in workspace root: configured',
        '--- before',
        '+++ after',
        '@@ -5,4 +5,4 @@',
        '   namespace: default',
        ' data:',
        '   a: "1"',
        '-  b: "2"',
        '+  b: "3"',
      ].join('\n'),
    );
    expect(await apply(configMap('one', { a: '1', b: '3' }))).toBe(
      'ConfigMap default/one in workspace root: unchanged',
    );
    expect(await read('one')).toMatchObject({ data: { a: '1', b: '3' } });
  });

  test('a field that is left out goes, what others set stays', async () => {
    await apply(configMap('shared', { ours: '1', more: '2' }));
    await front.admin(
      'PATCH',
      '/api/v1/namespaces/default/configmaps/shared',
      { data: { theirs: 'x' } },
      'application/merge-patch+json',
    );
    await apply(configMap('shared', { ours: '1' }));
    expect(await read('shared')).toMatchObject({ data: { ours: '1', theirs: 'x' } });
    expect(await read('shared')).not.toHaveProperty('data.more');
  });

  test('dryRun shows the same and changes nothing', async () => {
    await apply(configMap('dry', { a: '1' }));
    expect(await apply(configMap('dry', { a: '2' }), { dryRun: true })).toMatch(
      /: configured \(dry run: nothing was changed\)\n--- before[^]*\n- {2}a: "1"\n\+ {2}a: "2"/,
    );
    expect(await read('dry')).toMatchObject({ data: { a: '1' } });
    expect(await apply(configMap('never', {}), { dryRun: true })).toContain('created (dry run');
    await expect(read('never')).rejects.toThrow('404');
  });

  test('force: false names who manages a field, and what to do', async () => {
    await front.admin(
      'PATCH',
      '/api/v1/namespaces/default/configmaps/owned?fieldManager=kubectl',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' }, data: { a: 'theirs' } },
      'application/apply-patch+yaml',
    );
    const args = { resource: configMap('owned', { a: 'ours' }), force: false };
    expect(await bench.failure('resources_create_or_update', args)).toMatch(
      /Could not patch configmaps "owned" in namespace default of workspace root \(409\): .*conflict with "kubectl".*: \.data\.a\. .*take them over with force: true/,
    );
    await apply(configMap('owned', { a: 'ours' }));
    expect(await read('owned')).toMatchObject({ data: { a: 'ours' } });
  });

  test('several documents in one call; the first that fails ends it and what was done is told', async () => {
    const both = await apply(`${configMap('x1', {})}---\n${configMap('x2', {})}---\n`);
    expect(both.match(/: created/g)).toHaveLength(2);
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: bad }\ndata: { a: "not base64" }\n';
    const text = await bench.failure('resources_create_or_update', {
      resource: `${configMap('x3', {})}---\n${secret}---\n${configMap('x4', {})}`,
    });
    expect(text).toMatch(
      /^ConfigMap default\/x3 in workspace root: created\n[^]*The next step failed: Could not patch secrets "bad"/,
    );
    await expect(read('x4')).rejects.toThrow('404');
  });

  test('values of a Secret are in no diff, and what was redacted is not applied', async () => {
    const secret = (password: string) =>
      `apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  annotations: { note: keep }\nstringData:\n  user: admin\n  password: ${password}\n`;
    const texts = [await apply(secret('correct-horse')), await apply(secret('battery-staple'))];
    expect(texts[1]).toContain('+  password: "[redacted] (changed)"');
    expect(texts[1]).toContain('   user: "[redacted]"');
    for (const text of texts) {
      for (const value of ['correct-horse', 'battery-staple', 'admin']) {
        expect(text).not.toContain(value);
        expect(text).not.toContain(Buffer.from(value).toString('base64'));
      }
    }
    const shown = await bench.text('resources_get', { apiVersion: 'v1', kind: 'Secret', name: 'db' });
    expect(await bench.failure('resources_create_or_update', { resource: shown })).toContain(
      'has "[redacted]" at data.password',
    );
    expect(await front.admin('GET', '/api/v1/namespaces/default/secrets/db')).toMatchObject({
      data: { password: Buffer.from('battery-staple').toString('base64') },
    });
  });

  test('what resources_get shows can be changed and applied as it is', async () => {
    await apply(configMap('edited', { a: '1' }));
    const shown = parse(await bench.text('resources_get', { apiVersion: 'v1', kind: 'ConfigMap', name: 'edited' })) as {
      data: Record<string, string>;
    };
    shown.data['a'] = '2';
    expect(await apply(JSON.stringify(shown))).toContain('+  a: "2"');
    shown.data['a'] = '3';
    // Its resourceVersion is of before the last change.
    expect(await bench.failure('resources_create_or_update', { resource: JSON.stringify(shown) })).toContain(
      'It has changed meanwhile: get it again',
    );
  });

  test('a field that the schema does not have is named', async () => {
    const deployment = (field: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  ${field}: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
`;
    expect(await bench.failure('resources_create_or_update', { resource: deployment('replcias') })).toBe(
      'Could not patch deployments.apps "web" in namespace default of workspace root: the object does not fit its schema: ' +
        '.spec.replcias: field not declared in schema',
    );
    expect(await apply(deployment('replicas'))).toContain('Deployment default/web in workspace root: created');
  });

  test('a kind that comes with the same call can be used in the next one', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { size: { type: 'integer' } } } },
          },
        ],
      },
    };
    await apply(JSON.stringify(crd));
    const gadget = 'apiVersion: example.com/v1\nkind: Gadget\nmetadata: { name: g, finalizers: [example.com/hold] }\n';
    let text = '';
    for (let attempt = 0; attempt < 100 && !text.includes('created'); attempt += 1) {
      const { content } = await bench.call('resources_create_or_update', { resource: gadget });
      text = content[0]?.type === 'text' ? content[0].text : '';
    }
    expect(text).toContain('Gadget default/g in workspace root: created');
    // Until the API server has made the kind's schema its own, only validation stops what is unknown.
    const wrong = 'apiVersion: example.com/v1\nkind: Gadget\nmetadata: { name: w }\nsise: 1\n';
    const strict = createBench(front, { validation_enabled: true });
    expect(await strict.failure('resources_create_or_update', { resource: wrong })).toContain('sise');
    await strict.kcp.close();
  });
});

describe('resources_delete', () => {
  const target = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name });

  test('deletes; dryRun does not', async () => {
    await apply(configMap('gone', {}));
    expect(await bench.text('resources_delete', { ...target('gone'), dryRun: true })).toContain(
      'would be deleted (dry run',
    );
    expect(await read('gone')).toMatchObject({ kind: 'ConfigMap' });
    expect(await bench.text('resources_delete', target('gone'))).toBe(
      'ConfigMap default/gone in workspace root: deleted',
    );
    expect(await bench.failure('resources_delete', target('gone'))).toContain('There is no ConfigMap "gone"');
  });

  test('only the very object, or the very state, that was meant', async () => {
    await apply(configMap('kept', {}));
    const { metadata } = (await read('kept')) as { metadata: { uid: string; resourceVersion: string } };
    expect(await bench.failure('resources_delete', { ...target('kept'), uid: 'another' })).toMatch(/\(409\).*UID/);
    await apply(configMap('kept', { a: '1' }));
    const { resourceVersion } = metadata;
    expect(await bench.failure('resources_delete', { ...target('kept'), resourceVersion })).toContain(
      'It has changed meanwhile',
    );
    expect(await bench.text('resources_delete', { ...target('kept'), uid: metadata.uid })).toContain(': deleted');
  });

  test('what holds an object back is named', async () => {
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'g' };
    expect(await bench.text('resources_delete', gadget)).toContain(
      'is being deleted; it goes once these finalizers are done: example.com/hold',
    );
  });
});

describe('resources_scale', () => {
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

  test('reads and sets', async () => {
    expect(parse(await bench.text('resources_scale', target))).toMatchObject({ kind: 'Scale', spec: { replicas: 1 } });
    expect(parse(await bench.text('resources_scale', { ...target, scale: 3 }))).toMatchObject({
      spec: { replicas: 3 },
    });
    expect(parse(await bench.text('resources_scale', target))).toMatchObject({ spec: { replicas: 3 } });
  });

  test('a kind without a scale is told so', async () => {
    const args = { apiVersion: 'v1', kind: 'ConfigMap', name: 'one', scale: 1 };
    expect(await bench.failure('resources_scale', args)).toBe('Objects of kind ConfigMap (v1) have no scale here.');
  });
});

test('a missing right names the verb', async () => {
  const text = await bench.failure('resources_create_or_update', { resource: configMap('one', {}) }, 'bob');
  expect(text).toMatch(/bob may not (get|patch) configmaps "one" in namespace default of workspace root \(403\)/);
});
