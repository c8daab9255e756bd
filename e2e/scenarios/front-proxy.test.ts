// kcp.frontProxyRef and an index: host name, FrontProxy and certificate issuer are enough for a person to sign in and to see the
// workspaces that they have. What kcp-operator would write, this test writes.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { parse, stringify } from 'yaml';
import { standInFiles } from '../kcp/stand-in.ts';
import { issueCertificate } from '../lib/certs.ts';
import { repoRoot } from '../lib/cache.ts';
import { waitFor } from '../lib/wait.ts';
import { condition, host, kcp, kcpRequests, state, tokensOf } from './support.ts';

const { namespace } = state.server;
const NAME = 'front-proxy';
const FRONT_PROXY = { namespace: 'kcp-vespucci', name: 'front' };
const CA_SECRET = 'front-oidc-ca';
const HOSTNAME = 'mcp-front-proxy.example.test';
const MINTED = { kcp: `kcp-mcp.${namespace}.${NAME}`, index: `kcp-mcp-index.${namespace}.${NAME}` };
const CRDS = ['frontproxies', 'rootshards'].map((plural) =>
  join(repoRoot, `operator/testdata/crds/operator.kcp.io_${plural}.yaml`),
);
const INDEX_RIGHTS = join(repoRoot, 'config/kcp/index-identity.yaml');
const SOON = { deadlineMs: 60_000, intervalMs: 200 };

let dispatcher: Agent | undefined;

beforeAll(async () => {
  for (const crd of CRDS) await host.run(['apply', '-f', crd]);
  await host.run(['wait', '--for=condition=Established', ...CRDS.flatMap((crd) => ['-f', crd]), '--timeout=30s']);
  await inKcpRoot('apply', '-f', INDEX_RIGHTS);
  const ca = readFileSync(state.caFile, 'utf8');
  const oidc = { issuerURL: state.issuer.issuerURL, clientID: state.issuer.clientID, caFileRef: { name: CA_SECRET } };
  await host.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: FRONT_PROXY.namespace, name: CA_SECRET },
      stringData: { 'ca.crt': ca },
    },
    {
      apiVersion: 'operator.kcp.io/v1alpha1',
      kind: 'FrontProxy',
      metadata: FRONT_PROXY,
      spec: { rootShard: { ref: { name: 'root' } }, auth: { oidc, serviceAccount: { enabled: true } } },
    },
  );
}, 120_000);

afterAll(async () => {
  await dispatcher?.close();
  await host.run(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--ignore-not-found']);
  for (const crd of CRDS) await host.run(['delete', '-f', crd, '--ignore-not-found']);
  const secrets = [CA_SECRET, ...Object.values(MINTED)];
  await host.run(['delete', 'secret', ...secrets, '-n', FRONT_PROXY.namespace, '--ignore-not-found']);
  await inKcpRoot('delete', '-f', INDEX_RIGHTS, '--ignore-not-found');
}, 120_000);

const inKcpRoot = (...args: string[]): Promise<string> =>
  kcp.run(['--server', `${state.kcp.url}/clusters/root`, ...args]);

interface Kubeconfig {
  clusters: { name: string; cluster: object }[];
  users: { name: string; user: object }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
}

/** As kcp-operator: the Secret of a Kubeconfig that the operator made, and that it is ready. */
async function fill(name: string, username: string): Promise<void> {
  const found = () => host.any(['get', 'kubeconfigs.operator.kcp.io', name, '-n', FRONT_PROXY.namespace]);
  await waitFor(`Kubeconfig ${name}`, async () => (await found()).code === 0, SOON);
  const admin = parse(await readFile(state.kcp.kubeconfig, 'utf8')) as Kubeconfig;
  const cluster = { ...admin.clusters[0]?.cluster, server: `${state.kcp.url}/clusters/root` };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'default', cluster }],
    users: [{ name: username, user: await credentialsOf(username, admin) }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: username } }],
    'current-context': 'default',
  };
  await host.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: FRONT_PROXY.namespace, name },
    stringData: { kubeconfig: stringify(kubeconfig) },
  });
  await host.run([
    ...['patch', 'kubeconfigs.operator.kcp.io', name, '-n', FRONT_PROXY.namespace],
    ...['--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { phase: 'Ready' } })],
  ]);
}

/** Of a kcp that was given as it runs (KCP_KUBECONFIG) nobody has the client CA: its admin then makes the index. */
const hasClientCA = existsSync(standInFiles(state.runDir).clientCA.keyFile);

async function credentialsOf(commonName: string, admin: Kubeconfig): Promise<object> {
  const { clientCA } = standInFiles(state.runDir);
  if (!hasClientCA) return admin.users[0]?.user ?? {};
  const { certFile, keyFile } = await issueCertificate(clientCA, {
    dir: dirname(clientCA.certFile),
    name: commonName,
    commonName,
  });
  const base64 = async (file: string): Promise<string> => (await readFile(file)).toString('base64');
  return { 'client-certificate-data': await base64(certFile), 'client-key-data': await base64(keyFile) };
}

/** Runs the command of the condition's message, as a person would, if it is about `what`. */
async function granted(type: string, what: string): Promise<void> {
  const said = async (): Promise<string | undefined> => {
    const { message } = await condition(NAME, type, { status: 'False' });
    return message.includes(what) ? message : undefined;
  };
  const message = await waitFor(`${what} to be missed`, said, SOON);
  const { code, stderr } = await host.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
  expect([stderr, code]).toEqual([expect.any(String), 0]);
}

test('what is missing is told with the command that mends it, until the server is there', async () => {
  const { spec } = await host.get<{ spec: { tls: object } }>('kcpmcpserver', state.server.name, '-n', namespace);
  await host.apply({
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name: NAME, namespace },
    spec: { hostname: HOSTNAME, kcp: { frontProxyRef: FRONT_PROXY }, tls: spec.tls, inventory: { mode: 'Index' } },
  });
  await granted('KubeconfigReady', `FrontProxy ${FRONT_PROXY.namespace}/${FRONT_PROXY.name} does not let`);
  await granted('OIDCReady', CA_SECRET);
  await granted('KubeconfigReady', `Secret ${FRONT_PROXY.namespace}/${MINTED.kcp}`);
  await fill(MINTED.kcp, 'kcp-mcp');
  await granted('CertificateReady', `${NAME}-mcp-tls`);
  await granted('KubeconfigReady', `Secret ${FRONT_PROXY.namespace}/${MINTED.index}`);
  await fill(MINTED.index, 'kcp-mcp-index');
  await condition(NAME, 'Ready', { status: 'True' }, { deadlineMs: 150_000 });
}, 300_000);

test('a person gets the workspaces that they have, from the index, with nobody’s rights but their own', async () => {
  const service = await host.get<{ spec: { clusterIP: string } }>('service', `${NAME}-mcp`, '-n', namespace);
  dispatcher = new Agent({
    connect: {
      ca: readFileSync(state.caFile),
      lookup: (_name, _options, done) => {
        done(null, [{ address: service.spec.clusterIP, family: 4 }]);
      },
    },
  });
  const workspaces = async (person: string): Promise<string> => {
    const response = await fetch(`https://${HOSTNAME}/mcp`, {
      dispatcher: dispatcher as Agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${(await tokensOf(person)).accessToken}`,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'kcp_workspaces_list' } }),
    });
    expect(response.status).toBe(200);
    return response.text();
  };
  // A walk is the answer until the index is loaded.
  const indexed = async () => (await workspaces('alice')).includes('"source":"index"');
  await waitFor('the index to answer', indexed, SOON);
  expect(await workspaces('alice')).toContain('root:acme:team-a');
  expect(await workspaces('alice')).not.toContain('root:globex');
  expect(await workspaces('bob')).toContain('root:globex:team-x');
  if (!hasClientCA) return;
  const asIndex = (await kcpRequests()).filter(({ user }) => user === 'kcp-mcp-index');
  expect(asIndex.some(({ path, status }) => path.includes('/services/apiexport/') && status === 200)).toBe(true);
  expect(asIndex.filter(({ path }) => !/\/apiexportendpointslices|\/services\/apiexport\//.test(path))).toEqual([]);
}, 120_000);

test('deleted, it leaves no Kubeconfig behind', async () => {
  await host.run(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--timeout=60s']);
  const list = await host.run(['get', 'kubeconfigs.operator.kcp.io', '-n', FRONT_PROXY.namespace, '-o', 'name']);
  for (const name of Object.values(MINTED)) expect(list).not.toContain(name);
}, 90_000);
