// A cluster without kcp-operator and cert-manager: conditions say so, and both are noticed when they come.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ApiError } from '../../../e2e/cluster/api.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase, SOURCE } from './testing/case.ts';
import { newFrontProxyCase } from './testing/front-proxy.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const isGone = (path: string): Promise<boolean> =>
  env.api.request(path).then(
    () => false,
    (error: unknown) => (error as ApiError).statusCode === 404,
  );

test('kinds that aren’t served are a condition until their CRDs come', async () => {
  const it = await newCase(env);
  await it.createServer();
  expect((await it.condition('KubeconfigReady', 'False', 'KindNotInstalled')).message).toMatch(
    /no kubeconfigs\.operator\.kcp\.io: install kcp-operator/,
  );
  expect((await it.condition('CertificateReady', 'False', 'KindNotInstalled')).message).toMatch(
    /no certificates\.cert-manager\.io: install cert-manager/,
  );

  await env.applyCRD(CRDS.kubeconfigs);
  await it.condition('KubeconfigReady', 'False', 'NotFound');
  await it.createSource();
  await it.condition('KubeconfigReady', 'True', 'Copied');

  await env.applyCRD(await certManagerCRDs());
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
}, 60_000);

test('a FrontProxy may come after the server that names it, with its kind and all', async () => {
  const it = await newFrontProxyCase(env);
  await it.createServer();
  expect((await it.condition('KubeconfigReady', 'False', 'KindNotInstalled')).message).toMatch(
    /no frontproxies\.operator\.kcp\.io: install kcp-operator/,
  );
  await env.applyCRD(CRDS.frontProxies);
  await it.condition('KubeconfigReady', 'False', 'NotFound');
  await it.createFrontProxy(null);
  await it.consent(it.namespace);
  await it.condition('OIDCReady', 'False', 'KindNotInstalled');
  await env.applyCRD(CRDS.rootShards);
  await it.condition('OIDCReady', 'False', 'NotFound');
  await it.createRootShard();
  await it.fill();
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
}, 60_000);

test('and one that goes away is a condition again, while what runs goes on', async () => {
  const it = await newCase(env);
  await it.becomeReady();
  const other = await newFrontProxyCase(env);
  await other.becomeReady();
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kubeconfigs.operator.kcp.io';
  await env.api.request(crd, { method: 'DELETE' });
  await it.condition('KubeconfigReady', 'False');
  // A CRD on its way out takes the one that comes after it along.
  for (const path of [crd, '/apis/operator.kcp.io/v1alpha1/kubeconfigs']) {
    await waitFor(`${path} to be gone`, () => isGone(path), { deadlineMs: 30_000, intervalMs: 50 });
  }
  expect(await it.find('Deployment', `${NAME}-mcp`)).toBeDefined();
  // What its finalizer is for has gone with the kind.
  await other.remove('KcpMcpServer', NAME);
  await other.gone('KcpMcpServer', NAME, other.namespace);
  await env.applyCRD(CRDS.kubeconfigs);
  await it.createKubeconfig();
  await it.condition('KubeconfigReady', 'True', 'Copied');
  expect((await it.server()).status?.kubeconfig?.source.name).toBe(SOURCE);
}, 60_000);
