// What others do to the children: put right, or, where it is theirs to do, left alone.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { CHILDREN, NAME, newCase, type Case } from './testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from './testing/environment.ts';

let env: Environment;
let operator: RunningOperator;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  operator = await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };

describe('somebody else’s hand', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await it.becomeReady();
  }, 30_000);

  test.each(CHILDREN)('a deleted %s %s comes back', async (kind, suffix) => {
    const before = await it.child(kind, suffix);
    await it.remove(kind, `${NAME}-${suffix}`);
    const after = await waitFor(
      'a new one',
      async () => {
        const child = await it.find(kind, `${NAME}-${suffix}`);
        return child?.metadata.uid === before.metadata.uid ? undefined : child;
      },
      SOON,
    );
    expect(after.metadata.labels).toEqual(before.metadata.labels);
    expect(after.data).toEqual(before.data);
  });

  test.each<[string, string, object, (child: Awaited<ReturnType<Case['child']>>) => unknown]>([
    ['Secret', 'mcp-kubeconfig', { data: { kubeconfig: 'YQ==' } }, ({ data }) => data?.['kubeconfig']],
    ['ConfigMap', 'mcp-config', { data: { 'config.toml': '' } }, ({ data }) => data?.['config.toml']],
    ['Service', 'mcp', { spec: { selector: { 'app.kubernetes.io/name': 'other' } } }, ({ spec }) => spec?.['selector']],
    ['Certificate', 'mcp-tls', { spec: { dnsNames: ['evil.example.com'] } }, ({ spec }) => spec?.['dnsNames']],
    ['Service', 'mcp', { metadata: { labels: { 'mcp.kcp.io/server': null } } }, ({ metadata }) => metadata.labels],
  ])('an edited %s %s is put right', async (kind, suffix, edit, read) => {
    const before = read(await it.child(kind, suffix));
    await it.patch(kind, `${NAME}-${suffix}`, edit);
    await waitFor('the old value', async () => same(read(await it.child(kind, suffix)), before), SOON);
  });

  test('kubectl rollout restart and kubectl scale are left alone', async () => {
    const deployment = `deployment/${NAME}-mcp`;
    await env.kubectl('-n', it.namespace, 'rollout', 'restart', deployment);
    await env.kubectl('-n', it.namespace, 'scale', deployment, '--replicas=3');
    // A change that the operator does answer shows that it has been by.
    await it.patch('Deployment', `${NAME}-mcp`, { spec: { revisionHistoryLimit: 9 } });
    const { spec } = await waitFor(
      'revisionHistoryLimit to be put right',
      async () => {
        const child = await it.child('Deployment', 'mcp');
        return child.spec?.['revisionHistoryLimit'] === 3 ? child : undefined;
      },
      SOON,
    );
    expect(spec).toMatchObject({
      replicas: 3,
      template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': expect.any(String) } } },
    });
  });
});

test('a deleted KcpMcpServer is left to garbage collection: nothing is made again', async () => {
  const it = await newCase(env);
  await it.becomeReady();
  const known = async () => {
    const counts = (await operator.metrics.text()).matchAll(/^kcp_mcp_operator_resources\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await known();
  await it.remove('KcpMcpServer', NAME);
  await waitFor('the operator to see it', async () => (await known()) < before, SOON);
  for (const [kind, suffix] of CHILDREN) await it.remove(kind, `${NAME}-${suffix}`);
  // By the time that another one is ready, the deletions have been seen.
  const other = await newCase(env);
  await other.becomeReady();
  for (const [kind, suffix] of CHILDREN) expect(await it.find(kind, `${NAME}-${suffix}`)).toBeUndefined();
}, 30_000);

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
