// spec.inventory.mode Index: an identity of its own makes the index, and without one the server does without an index.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, SOURCE } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';
import { newFrontProxyCase, type FrontProxyCase } from './testing/front-proxy.ts';

const SECRET = `${NAME}-mcp-index`;
const SOON = { deadlineMs: 15_000, intervalMs: 20 };
const INDEX = { inventory: { mode: 'Index' } };

let env: Environment;
/** A client certificate with its key: what kcp-operator writes. */
let pair: Record<string, string>;

beforeAll(async () => {
  const kcpOperator = [CRDS.kubeconfigs, CRDS.frontProxies, CRDS.rootShards];
  env = await startEnvironment([CRDS.ours, ...kcpOperator, await certManagerCRDs()]);
  const { users } = parseYaml(await readFile(env.plane.kubeconfig, 'utf8')) as {
    users: [{ user: Record<string, string> }];
  };
  pair = users[0].user;
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const minted = (it: FrontProxyCase): string => it.minted.replace('kcp-mcp.', 'kcp-mcp-index.');
const decode = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();
const inventoryOf = async (it: FrontProxyCase): Promise<Record<string, unknown>> => {
  const config = parseToml((await it.child('ConfigMap', 'mcp-config')).data?.['config.toml'] ?? '');
  const { inventory, index_kubeconfig } = (config['cluster_provider_configs'] as { kcp: Record<string, unknown> }).kcp;
  return { inventory, index_kubeconfig };
};
const WITH = { inventory: 'index', index_kubeconfig: '/etc/kcp-mcp/index/kubeconfig' };
const WITHOUT = { inventory: 'caller', index_kubeconfig: undefined };
const templateOf = async (it: FrontProxyCase) =>
  (await it.child('Deployment', 'mcp')).spec?.['template'] as { spec: { volumes: { name: string }[] } };
const volumesOf = async (it: FrontProxyCase) => (await templateOf(it)).spec.volumes.map(({ name }) => name);
const grantIn = (message: string): string => /Grant it with: (.*)$/.exec(message)?.[1] ?? 'false';

describe('with a frontProxyRef', () => {
  let it: FrontProxyCase;
  beforeAll(async () => {
    it = await newFrontProxyCase(env);
    await it.createFrontProxy();
    await it.consent(it.namespace);
    await it.createServer(INDEX);
    await it.fill();
  }, 30_000);

  test('the server does without an index until there is an identity', async () => {
    const { message } = await it.condition('KubeconfigReady', 'False', 'SourceNotReady');
    expect(message).toContain(`no identity for the index: Kubeconfig ${it.source}/${minted(it)} is not ready`);
    expect(message).toContain('Meanwhile it is a walk');
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Available', 'True');
    expect(await inventoryOf(it)).toEqual(WITHOUT);
  });

  test('then it has one of its own, apart from what callers’ requests go by', async () => {
    expect((await it.kubeconfigOfOurs(minted(it))).spec).toMatchObject({ username: 'kcp-mcp-index', groups: [] });
    await it.fill(minted(it), 'kcp-mcp-index', pair);
    await it.condition('KubeconfigReady', 'True');
    await it.runPods();
    await it.condition('Ready', 'True');
    const index = decode((await it.find('Secret', SECRET))?.data?.['kubeconfig']);
    expect(index).toContain(pair['client-key-data']);
    expect(index).toContain('server: https://kcp.example.com:6443/clusters/root\n');
    const kubeconfig = decode((await it.child('Secret', 'mcp-kubeconfig')).data?.['kubeconfig']);
    expect(kubeconfig).not.toContain('client-key');
    expect(await inventoryOf(it)).toEqual(WITH);
    expect(await volumesOf(it)).toContain('index');
    for (const [kind, suffix] of [
      ['ConfigMap', 'mcp-config'],
      ['Deployment', 'mcp'],
    ] as const) {
      expect(JSON.stringify(await it.child(kind, suffix))).not.toContain(pair['client-key-data']);
    }
    expect(JSON.stringify(await it.server())).not.toContain(pair['client-key-data']);
  });

  test('a renewed one reaches the copy, and no Pod is replaced', async () => {
    const template = await templateOf(it);
    const before = (await it.find('Secret', SECRET))?.metadata;
    await it.fill(minted(it), 'kcp-mcp-index', { token: 'cmVuZXdlZA' });
    const renewed = async () => decode((await it.find('Secret', SECRET))?.data?.['kubeconfig']).includes('cmVuZXdlZA');
    await waitFor('the copy to be renewed', renewed, SOON);
    expect((await it.find('Secret', SECRET))?.metadata.uid).toBe(before?.uid);
    expect(await templateOf(it)).toEqual(template);
  });

  test('and it goes when the spec asks for no index any more', async () => {
    await it.patch('KcpMcpServer', NAME, { spec: { inventory: { mode: 'Caller' } } });
    await it.gone('Secret', SECRET, it.namespace);
    await it.gone('Kubeconfig', minted(it), it.source);
    await waitFor('the Pods to be replaced', async () => !(await volumesOf(it)).includes('index'), SOON);
    expect(await inventoryOf(it)).toEqual(WITHOUT);
    await it.runPods();
    await it.condition('Ready', 'True');
    expect(await it.kubeconfigOfOurs()).toBeDefined();
  });
});

test('with a kubeconfigRef it is made for the FrontProxy behind it, which consents, and may take that back', async () => {
  const it = await newFrontProxyCase(env, { roles: false });
  await it.createFrontProxy();
  await it.createSource();
  await it.createServer({
    kcp: { kubeconfigRef: { name: SOURCE, namespace: it.source } },
    auth: { oidc: { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' } },
    ...INDEX,
  });
  // One after the other: the source of the kubeconfig, its copy, the certificate; what the index takes comes last.
  const granted = async (type: string, secret: string): Promise<void> => {
    const said = async () => {
      const { message } = await it.condition(type, 'False', 'Forbidden');
      return message.includes(secret) ? message : undefined;
    };
    await env.shell(grantIn(await waitFor(`${secret} to be missed`, said, SOON)));
  };
  await granted('KubeconfigReady', `${it.source}/${SOURCE}`);
  await granted('CertificateReady', `${NAME}-mcp-tls`);
  const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
  expect(message).toContain(`FrontProxy ${it.source}/vespucci does not let KcpMcpServers of namespace ${it.namespace}`);
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Available', 'True');
  // The right to the copy, too.
  await env.shell(grantIn(message));
  await granted('KubeconfigReady', minted(it));
  await it.fill(minted(it), 'kcp-mcp-index', pair);
  await it.condition('KubeconfigReady', 'True');
  await it.runPods();
  await it.condition('Ready', 'True');
  expect(await inventoryOf(it)).toEqual(WITH);

  await it.consent('somebody-else');
  await it.condition('KubeconfigReady', 'False', 'NotPermitted');
  await it.gone('Secret', SECRET, it.namespace);
  await it.gone('Kubeconfig', minted(it), it.source);
  await waitFor('the Pods to be replaced', async () => !(await volumesOf(it)).includes('index'), SOON);
  expect(await inventoryOf(it)).toEqual(WITHOUT);
  expect(await it.child('Secret', 'mcp-kubeconfig')).toBeDefined();
}, 90_000);

test('what is taken back leaves no Pods that remember it, whichever FrontProxy the spec names by then', async () => {
  const it = await newFrontProxyCase(env);
  await it.createFrontProxy();
  await it.consent(it.namespace);
  await it.createServer(INDEX);
  await it.fill();
  await it.fill(minted(it), 'kcp-mcp-index', pair);
  await it.child('Deployment', 'mcp');
  await waitFor('an index', async () => (await volumesOf(it)).includes('index'), SOON);
  const names = (name: string) =>
    it.patch('KcpMcpServer', NAME, { spec: { kcp: { frontProxyRef: { name, namespace: it.source } } } });
  await names('elsewhere');
  await it.condition('KubeconfigReady', 'False', 'NotFound');
  expect(await it.find('Secret', SECRET)).toBeDefined();
  expect(await volumesOf(it)).toContain('index');

  await it.consent();
  await it.gone('Secret', SECRET, it.namespace);
  // The issuer was the FrontProxy's: nothing is known that they could be replaced with.
  await it.gone('Deployment', `${NAME}-mcp`, it.namespace);
  await names('vespucci');
  await it.condition('KubeconfigReady', 'False', 'NotPermitted');
  await it.consent(it.namespace);
  await it.fill();
  await it.child('Deployment', 'mcp');
}, 60_000);
