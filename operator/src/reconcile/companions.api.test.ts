// Who says how many Pods there are, and what comes and goes with their number.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase, SOURCE, type Case } from './testing/case.ts';
import { CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };
const WORKLOAD = `${NAME}-mcp`;

async function served(spec: Record<string, unknown>): Promise<Case> {
  const it = await newCase(env);
  await it.createSource();
  await it.createServer({ tls: { secretName: 'theirs' }, ...spec });
  await it.child('Deployment', 'mcp');
  return it;
}

const change = (it: Case, spec: Record<string, unknown>) => it.createServer({ tls: { secretName: 'theirs' }, ...spec });

const replicas = async (it: Case) => (await it.find('Deployment', WORKLOAD))?.spec?.['replicas'];

const scaled = (it: Case, to: number) => waitFor(`${to} replicas`, async () => (await replicas(it)) === to, SOON);

/** As `kubectl scale` does, and the autoscaler's controller. */
const scale = async (it: Case, to: number, manager: string): Promise<void> => {
  await env.api.request(`${it.path('Deployment', WORKLOAD)}/scale?fieldManager=${manager}`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { spec: { replicas: to } },
  });
};

/** Makes the operator apply the Deployment again: what it put right besides shows that it has been by. */
const stirred = async (it: Case): Promise<void> => {
  await it.patch('Deployment', WORKLOAD, { spec: { revisionHistoryLimit: 9 } });
  const limit = async () => (await it.find('Deployment', WORKLOAD))?.spec?.['revisionHistoryLimit'];
  await waitFor('revisionHistoryLimit to be put right', async () => (await limit()) === 3, SOON);
};

const autoscaler = (it: Case) =>
  it.apply('HorizontalPodAutoscaler', 'load', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: WORKLOAD },
      minReplicas: 2,
      maxReplicas: 9,
    },
  });

test('a number of Pods that was taken out of the spec stays until somebody says another', async () => {
  const it = await served({ deployment: { replicas: 4 } });
  await change(it, {});
  await stirred(it);
  expect(await replicas(it)).toBe(4);
  await scale(it, 6, 'kubectl-scale');
  await stirred(it);
  expect(await replicas(it)).toBe(6);
}, 30_000);

test('an autoscaler goes before the spec, says so in Available, and gives the number back when it goes', async () => {
  const it = await served({ deployment: { replicas: 2 } });
  await autoscaler(it);
  const available = async () => (await it.condition('Available', 'False')).message;
  const note = `spec.deployment.replicas (2) has no effect while HorizontalPodAutoscaler ${it.namespace}/load says how many`;
  await waitFor('the note', async () => (await available()).includes(note), SOON);
  await scale(it, 5, 'kube-controller-manager');
  await stirred(it);
  expect(await replicas(it)).toBe(5);

  await it.remove('HorizontalPodAutoscaler', 'load');
  await scaled(it, 2);
  await waitFor('the note to go', async () => !(await available()).includes('HorizontalPodAutoscaler'), SOON);
}, 30_000);

test('a disruption budget is there as long as there are several Pods, whoever wants them', async () => {
  const it = await served({ deployment: { replicas: 2 } });
  const budget = await it.child('PodDisruptionBudget', 'mcp');
  expect(budget).toMatchObject({
    metadata: { ownerReferences: [expect.objectContaining({ name: NAME, controller: true })] },
    spec: { maxUnavailable: 1, selector: { matchLabels: { 'app.kubernetes.io/instance': NAME } } },
  });
  await it.remove('PodDisruptionBudget', WORKLOAD);
  await it.child('PodDisruptionBudget', 'mcp');

  const gone = () =>
    waitFor('it to go', async () => (await it.find('PodDisruptionBudget', WORKLOAD)) === undefined, SOON);
  await change(it, { deployment: { replicas: 1 } });
  await gone();
  await change(it, {});
  await scale(it, 3, 'kubectl-scale');
  await it.child('PodDisruptionBudget', 'mcp');
  await scale(it, 0, 'kubectl-scale');
  await gone();
}, 30_000);

test("somebody else's disruption budget of that name is left alone, and named", async () => {
  const it = await newCase(env);
  const spec = { minAvailable: 1, selector: { matchLabels: { whose: 'theirs' } } };
  await it.apply('PodDisruptionBudget', WORKLOAD, { spec });
  await it.createSource();
  await change(it, { deployment: { replicas: 2 } });
  const { message } = await it.condition('Available', 'False', 'Conflict');
  expect(message).toContain(`PodDisruptionBudget ${it.namespace}/${WORKLOAD} exists already`);
  expect((await it.find('PodDisruptionBudget', WORKLOAD))?.spec).toMatchObject(spec);
  await it.remove('PodDisruptionBudget', WORKLOAD);
  await it.condition('Available', 'False', 'RollingOut');
}, 30_000);

test('a network policy comes when it is asked for, follows the addresses, and goes', async () => {
  const it = await served({});
  expect(await it.find('NetworkPolicy', WORKLOAD)).toBeUndefined();
  await change(it, { networkPolicy: { egress: { cidrs: ['192.0.2.0/24'] } } });
  const out = async (): Promise<unknown> => (await it.child('NetworkPolicy', 'mcp')).spec?.['egress'];
  const tcp = (port: number) => ({ protocol: 'TCP', port });
  const egress = (...ports: number[]) => [
    { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] },
    { ports: ports.map(tcp), to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
  ];
  expect(await out()).toEqual(egress(443, 6443));

  // A new address of kcp.
  await it.writeSourceSecret(await it.kubeconfig({ server: 'https://kcp.example.com:8443' }));
  const moved = async () => JSON.stringify(await out()) === JSON.stringify(egress(443, 8443));
  await waitFor('the new port', moved, SOON);
  // Without a source the Pods go on with the copy, and so does the policy.
  await it.remove('Secret', SOURCE, it.source);
  await it.condition('KubeconfigReady', 'False', 'NotFound');
  expect(await out()).toEqual(egress(443, 8443));

  await change(it, {});
  await waitFor('it to go', async () => (await it.find('NetworkPolicy', WORKLOAD)) === undefined, SOON);
}, 30_000);

test('what the API server refuses of a network policy is told', async () => {
  const it = await served({});
  const from = [{ ipBlock: { cidr: '10.0.0.0/8', except: ['192.0.2.0/24'] } }];
  await change(it, { networkPolicy: { ingress: { from } } });
  const { message } = await it.condition('Exposed', 'False', 'Rejected');
  expect(message).toContain(`NetworkPolicy ${it.namespace}/${WORKLOAD}`);
  expect(message).toContain('except');
}, 30_000);
