// Our own CRD is a newer one than the operator knows, an older one again, gone, and back.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { customResourceDefinition } from '../api/crd.ts';
import { CHILDREN, NAME, newCase, type Case } from '../reconcile/testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from '../reconcile/testing/environment.ts';
import { operatorRequests } from './testing/audit.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';

const SOON = { deadlineMs: 20_000, intervalMs: 20 };
const PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let env: Environment;
let operator: RunningOperator;
let it: Case;
beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  operator = await env.startOperator({ timings: {} });
  it = await newCase(env);
  await it.becomeReady();
}, 600_000);
afterAll(() => env.stop());

/** Has the operator write the status, and waits for all that it writes: more once kcp has answered there, and an Event. */
async function rotate(server: string): Promise<void> {
  await it.writeSourceSecret(await it.kubeconfig({ server }));
  await waitFor('the status', async () => (await it.server()).status?.kubeconfig?.server === server, SOON);
  const asked = async () => (await it.condition('KcpReachable', 'True')).message.includes(server);
  await waitFor('kcp to be asked', asked, SOON);
  await waitFor('the Event', async () => (await it.events()).some(({ note }) => note.includes(server)), SOON);
}

test('fields of a newer CRD, in spec and status, survive what the operator writes', async () => {
  const crd = customResourceDefinition();
  const { properties } = crd.spec.versions[0]?.schema.openAPIV3Schema as unknown as {
    properties: Record<'spec' | 'status', { properties: Record<string, object> }>;
  };
  properties.spec.properties['future'] = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  properties.status.properties['future'] = { type: 'string' };
  await env.api.apply(PATH, crd);
  await waitFor(
    'the newer CRD to be served',
    async () => {
      await it.patch('KcpMcpServer', NAME, { spec: { future: { of: 'spec' } } });
      return 'future' in (await it.server()).spec;
    },
    SOON,
  );
  const now = new Date().toISOString();
  const condition = { type: 'FutureReady', status: 'True', reason: 'Ahead', message: '', lastTransitionTime: now };
  await env.api.request(`${it.path('KcpMcpServer', NAME)}/status?fieldManager=newer`, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'mcp.kcp.io/v1alpha1',
      kind: 'KcpMcpServer',
      metadata: { name: NAME },
      status: { future: 'of status', conditions: [condition] },
    },
  });
  await rotate('https://kcp-2.example.com:6443');
  const { spec, status } = await it.server();
  expect({ spec, status }).toMatchObject({ spec: { future: { of: 'spec' } }, status: { future: 'of status' } });
  expect(status?.conditions).toContainEqual(condition);
  await it.condition('Ready', 'True');
});

test('an older CRD drops them, and nothing else', async () => {
  await env.applyCRD(CRDS.ours);
  await waitFor(
    'the older CRD to be served',
    async () => {
      await it.patch('KcpMcpServer', NAME, { metadata: { annotations: { touched: String(performance.now()) } } });
      return !('future' in (await it.server()).spec);
    },
    SOON,
  );
  await rotate('https://kcp-3.example.com:6443');
  await it.condition('Ready', 'True');
});

test('without its CRD the operator waits, touches nothing, and is back with it', async () => {
  const known = async (): Promise<number> => {
    const counts = (await operator.metrics.text()).matchAll(/^kcp_mcp_operator_resources\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const deployment = await it.child('Deployment', 'mcp');
  const since = new Date().toISOString();
  await env.api.request(`${PATH}/kcpmcpservers.mcp.kcp.io`, { method: 'DELETE' });
  await waitFor('it to be noticed', async () => (await known()) === 0, SOON);
  const served = async () => JSON.stringify(await env.api.request('/apis')).includes('"mcp.kcp.io"');
  await waitFor('the kind to be gone', async () => !(await served()), SOON);
  expect((await it.child('Deployment', 'mcp')).metadata).toEqual(deployment.metadata);
  // Garbage collection takes what has no owner any more.
  for (const [kind, suffix] of CHILDREN) await it.remove(kind, `${NAME}-${suffix}`);

  const requests = (await operatorRequests(env.plane.auditLog)).filter(
    ({ requestReceivedTimestamp }) => requestReceivedTimestamp > since,
  );
  expect(requests.filter(({ verb }) => ['create', 'patch', 'delete'].includes(verb))).toEqual([]);
  expect(requests.length).toBeLessThan(60);
  await env.applyCRD(CRDS.ours);
  await it.createServer();
  const back = performance.now();
  await it.child('Deployment', 'mcp');
  await keepFigure({ id: 'crd', seconds: secondsSince(back), requests: requests.length });
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
}, 60_000);
