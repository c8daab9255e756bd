// What the operator writes when nothing differs: nothing.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { gatewayAPICRDs } from '../../../e2e/cluster/gateway-api.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { isWork, operatorRequests } from '../faults/testing/audit.ts';
import { must } from '../kube/testing/api.ts';
import { NAME, newCase, SOURCE, type Case } from './testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from './testing/environment.ts';
import { answer, PARENT, setAddress } from './testing/exposure.ts';
import { FRONT_PROXY, newFrontProxyCase, type FrontProxyCase } from './testing/front-proxy.ts';

let env: Environment;
let operator: RunningOperator;
const ready: Case[] = [];
let waitingForPods: Case;
let waitingForCertificate: Case;
let waitingForDropIn: Case;
let waitingForImage: Case;
let viaFrontProxy: FrontProxyCase;
let withoutConsent: Case;

beforeAll(async () => {
  env = await startEnvironment([
    ...[CRDS.ours, CRDS.kubeconfigs, CRDS.frontProxies, CRDS.rootShards],
    await certManagerCRDs(),
    ...Object.values(await gatewayAPICRDs()),
  ]);
  operator = await env.startOperator();
  for (const exposure of [{}, { ingress: {} }, { gateway }, { gateway: { ...gateway, route: 'HTTP' } }]) {
    ready.push(await exposedCase(exposure));
  }
  waitingForPods = await newCase(env);
  await waitingForPods.createSource();
  await waitingForPods.createServer();
  await waitingForPods.condition('Ready', 'False', 'Issuing');
  waitingForCertificate = await newCase(env);
  await waitingForCertificate.createSource();
  await waitingForCertificate.createServer({ tls: { secretName: `${NAME}-mcp-tls` } });
  await waitingForCertificate.condition('CertificateReady', 'False', 'NotFound');
  waitingForDropIn = await newCase(env);
  await waitingForDropIn.apply('ConfigMap', 'more', { data: { 'config.toml': 'log_level = 2' } });
  await waitingForDropIn.createSource();
  await waitingForDropIn.createServer({ config: { dropInRef: { name: 'more' } } });
  await waitingForDropIn.condition('ConfigReady', 'True');
  await waitingForDropIn.apply('ConfigMap', 'more', { data: { 'config.toml': 'port = "1"' } });
  await waitingForDropIn.condition('Ready', 'False', 'InvalidDropIn');
  waitingForImage = await newCase(env);
  await waitingForImage.createSource();
  await waitingForImage.createServer();
  await waitingForImage.issueCertificate();
  await waitingForImage.stuckPod('ErrImagePull', 'not found');
  await waitingForImage.condition('Ready', 'False', 'ImagePullFailed');
  viaFrontProxy = await newFrontProxyCase(env);
  await viaFrontProxy.becomeReady();
  withoutConsent = await newCase(env);
  await withoutConsent.createSource();
  await withoutConsent.createServer({ auth: { mode: 'Kubeconfig', allowUnauthenticated: true } });
  await withoutConsent.condition('Ready', 'False', 'NotPermitted');
  await allEvents();
}, 600_000);

afterAll(() => env.stop());

const gateway = { parentRefs: [PARENT] };

/** One that is ready, exposed in this way, and has all that comes with several Pods. */
async function exposedCase(exposure: {
  ingress?: object;
  gateway?: { parentRefs: object[]; route?: string };
}): Promise<Case> {
  const it = await newCase(env);
  await it.createSource();
  const hostname = `${it.namespace}.example.com`;
  await it.createServer({ hostname, exposure, deployment: { replicas: 2 }, networkPolicy: {} });
  await it.child('PodDisruptionBudget', 'mcp');
  await it.child('NetworkPolicy', 'mcp');
  if (exposure.ingress) await setAddress(it);
  if (exposure.gateway) await answer(it, exposure.gateway.route === 'HTTP' ? 'HTTPRoute' : 'TLSRoute');
  if (exposure.gateway?.route === 'HTTP') await answer(it, 'BackendTLSPolicy');
  await it.issueCertificate();
  await it.runPods(2);
  await it.condition('Ready', 'True');
  return it;
}

const SOON = { deadlineMs: 15_000, intervalMs: 20 };

/** Writes of the operator in the audit log, but those of its Lease. */
async function writes(): Promise<string[]> {
  return (await operatorRequests(env.plane.auditLog))
    .filter(isWork)
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

/** What the operator asked about Secrets for one case: watches that were opened, and reads. */
async function secretReads({ namespace, source }: Case): Promise<string[]> {
  return (await operatorRequests(env.plane.auditLog))
    .filter(({ verb, stage }) => (verb === 'watch' ? stage === 'ResponseStarted' : verb === 'get'))
    .filter(({ requestURI }) => [namespace, source].some((name) => requestURI.includes(`/${name}/secrets`)))
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

/** Events are written in the background; the last one of each resource tells that all are. */
async function allEvents(): Promise<void> {
  for (const it of [...ready, viaFrontProxy]) {
    await waitFor('events', async () => (await it.events()).some(({ reason }) => reason === 'Succeeded'), SOON);
  }
  await waitFor('events', async () => (await waitingForPods.events()).some(({ reason }) => reason === 'Issuing'), SOON);
  const notFound = async () => (await waitingForCertificate.events()).some(({ reason }) => reason === 'NotFound');
  await waitFor('events', notFound, SOON);
  const invalid = async () => (await waitingForDropIn.events()).some(({ reason }) => reason === 'InvalidDropIn');
  const pull = async () => (await waitingForImage.events()).some(({ reason }) => reason === 'ImagePullFailed');
  await waitFor('events', pull, SOON);
  await waitFor('events', invalid, SOON);
  const refused = async () => (await withoutConsent.events()).some(({ reason }) => reason === 'NotPermitted');
  await waitFor('events', refused, SOON);
}

async function reconciles(of: RunningOperator): Promise<number> {
  const lines = (await of.metrics.text()).matchAll(/^kcp_mcp_operator_reconcile_total\{.*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('reconciles without a difference write nothing, Pods ready or not', async () => {
  const before = await writes();
  for (const it of [...ready, waitingForPods, waitingForCertificate, waitingForDropIn, waitingForImage]) {
    const count = await reconciles(operator);
    // A change of the source that doesn't change the copy.
    await it.patch('Secret', SOURCE, { metadata: { labels: { touched: 'yes' } } }, { where: it.source });
    await waitFor('a reconcile', async () => (await reconciles(operator)) > count, SOON);
  }
  const count = await reconciles(operator);
  const touched = { metadata: { labels: { touched: 'yes' } } };
  await viaFrontProxy.patch('FrontProxy', FRONT_PROXY, touched, { where: viaFrontProxy.source });
  await waitFor('a reconcile', async () => (await reconciles(operator)) > count, SOON);
  // Its Secret isn't even looked at.
  await withoutConsent.patch('Kubeconfig', SOURCE, touched, { where: withoutConsent.source });
  await waitFor('a reconcile', async () => (await reconciles(operator)) > count + 1, SOON);
  expect(await writes()).toEqual(before);
}, 60_000);

test('kubelet tries again and again to pull an image: the operator writes nothing', async () => {
  const before = await writes();
  for (const [reason, message] of [
    ['ImagePullBackOff', 'Back-off pulling image "example.com/mcp:9"'],
    ['ErrImagePull', 'not found'],
    ['ImagePullBackOff', 'Back-off pulling image "example.com/mcp:9": ErrImagePull: not found'],
  ] as const) {
    await waitingForImage.stuckPod(reason, message);
    const count = await reconciles(operator);
    const touch = { metadata: { labels: { touched: reason.toLowerCase() } } };
    await waitingForImage.patch('Secret', SOURCE, touch, { where: waitingForImage.source });
    await waitFor('a reconcile', async () => (await reconciles(operator)) > count, SOON);
  }
  expect(await writes()).toEqual(before);
}, 60_000);

test('a restart of the operator writes nothing', async () => {
  const before = await writes();
  await operator.stop();
  operator = await env.startOperator();
  await waitFor('all to be reconciled', async () => (await reconciles(operator)) > ready.length + 3, SOON);
  expect(await writes()).toEqual(before);
}, 60_000);

test('creating one takes one write for each child, few for the status, and some events', async () => {
  const before = (await writes()).length;
  const it = await newCase(env);
  await it.becomeReady();
  const made = (await writes()).slice(before).filter((line) => !line.includes('/events'));
  expect(made.filter((line) => !line.includes('/status?'))).toHaveLength(6);
  // The first look (perhaps before the Kubeconfig is seen to be ready), all applied, the Certificate issued, the Pods up.
  expect(made.filter((line) => line.includes('/status?')).length).toBeLessThanOrEqual(4);
}, 60_000);

test('one that uses a kubeconfig which others use costs one watch, and one look', async () => {
  const it = await newCase(env);
  await it.createServer({ kcp: { kubeconfigRef: { name: SOURCE, namespace: must(ready[0]).source } } });
  await it.condition('KubeconfigReady', 'True');
  await it.child('Deployment', 'mcp');
  // The watch on the copy begins where the copy was written. The name of the certificate's Secret is looked at, and never watched.
  const asked = async () => (await secretReads(it)).map((line) => line.replace(/\?.*/, ''));
  const secrets = `/api/v1/namespaces/${it.namespace}/secrets`;
  const expected = [`get ${secrets}/${NAME}-mcp-tls`, `watch ${secrets}`];
  await waitFor('the watch', async () => (await asked()).length >= expected.length, SOON);
  expect((await asked()).sort()).toEqual(expected);
  // It tells of what happens from there on.
  await it.remove('Secret', `${NAME}-mcp-kubeconfig`);
  await it.child('Secret', 'mcp-kubeconfig');
}, 60_000);

test('what it has just written itself is no reason to look again', async () => {
  const it = await newCase(env);
  await it.becomeReady();
  await waitFor('events', async () => (await it.events()).some(({ reason }) => reason === 'Succeeded'), SOON);
  const before = await reconciles(operator);
  await it.remove('Service', `${NAME}-mcp`);
  await it.child('Service', 'mcp');
  await it.patch('KcpMcpServer', NAME, { spec: { hostname: 'other.example.com' } });
  await waitFor('the new URL', async () => (await it.server()).status?.url?.includes('other.example.com'), SOON);
  // The deletion, and the edit; perhaps another look at the issuer.
  expect((await reconciles(operator)) - before).toBeLessThanOrEqual(3);
}, 60_000);

test('naming a FrontProxy takes two writes more: the finalizer, and then the Kubeconfig', async () => {
  const before = (await writes()).length;
  const it = await newFrontProxyCase(env);
  await it.becomeReady();
  const made = (await writes()).slice(before).filter((line) => !line.includes('/events') && !line.includes('/status?'));
  expect(made).toHaveLength(8);
  expect(made[0]).toMatch(/^patch .*\/kcpmcpservers\/vespucci\?/);
  expect(made[1]).toMatch(/^patch .*\/kubeconfigs\//);
}, 60_000);
