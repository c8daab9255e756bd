// Mode Kubeconfig on a real API server, with the rights of config/default and of the samples' Roles: credentials are copied with
// consent, and neither they nor what uses them outlive it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { createCA, issueCertificate, type CertificateAuthority } from '../../../e2e/lib/certs.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase, SOURCE, type Case, type Child } from './testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from './testing/environment.ts';

const SOON = { deadlineMs: 15_000, intervalMs: 20 };
const ANNOTATION = 'mcp.kcp.io/allow-namespaces';
const MARK = 'mcp.kcp.io/credentials';
const OIDC = { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' };
const SHARED = { mode: 'Kubeconfig', oidc: OIDC };

let env: Environment;
let operator: RunningOperator;
let dir: string;
let ca: CertificateAuthority;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'credentials-'));
  ca = await createCA(dir, 'ca', 'test CA');
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  operator = await env.startOperator();
}, 600_000);

afterAll(async () => {
  await env.stop();
  await rm(dir, { recursive: true });
});

interface Pair extends Record<string, string | undefined> {
  'client-certificate-data': string;
  'client-key-data': string;
}

/** What kcp-operator makes: a client certificate and its key. */
async function credentials(name = 'shared'): Promise<Pair> {
  const { certFile, keyFile } = await issueCertificate(ca, { dir, name, commonName: name });
  const [cert, key] = await Promise.all([readFile(certFile, 'base64'), readFile(keyFile, 'base64')]);
  return { 'client-certificate-data': cert, 'client-key-data': key, token: undefined };
}

const consent = (it: Case, value: string | null) =>
  it.patch('Kubeconfig', SOURCE, { metadata: { annotations: { [ANNOTATION]: value } } }, { where: it.source });
const changeAuth = (it: Case, auth: object) => it.patch('KcpMcpServer', NAME, { spec: { auth } });
const copyOf = (it: Case) => it.find('Secret', `${NAME}-mcp-kubeconfig`);
const deploymentOf = (it: Case) => it.find('Deployment', `${NAME}-mcp`);
const textOf = (secret: Child | undefined): string =>
  Buffer.from(secret?.data?.['kubeconfig'] ?? '', 'base64').toString();
const configOf = async (it: Case): Promise<Record<string, unknown>> =>
  parse((await it.child('ConfigMap', 'mcp-config')).data?.['config.toml'] ?? '');
const gone = (what: string, find: () => Promise<Child | undefined>) =>
  waitFor(`${what} to be gone`, async () => (await find()) === undefined, SOON);
const grantIn = (message: string): string => /Grant it with: (.*)$/.exec(message)?.[1] ?? 'false';

async function becomeReady(it: Case, auth: object = SHARED): Promise<Pair> {
  const pair = await credentials();
  await it.createSource({ user: pair });
  await consent(it, it.namespace);
  await it.createServer({ auth });
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Available', 'True');
  await it.condition('KubeconfigReady', 'True', 'Copied');
  return pair;
}

describe('without consent', () => {
  let it: Case;
  let pair: Pair;
  beforeAll(async () => {
    it = await newCase(env);
    pair = await credentials();
    await it.createSource({ user: pair });
    await it.createServer({ auth: { mode: 'Kubeconfig', allowUnauthenticated: true } });
  });

  test('nothing is copied, and nothing is started', async () => {
    const { message } = await it.condition('Ready', 'False', 'NotPermitted');
    expect(message).toContain(
      `Kubeconfig ${it.source}/${SOURCE} does not let KcpMcpServers of namespace ${it.namespace} copy its credentials: it has no annotation ${ANNOTATION}. Nothing is copied, and no Pods run. Grant it with: kubectl`,
    );
    await it.child('Service', 'mcp');
    expect(await copyOf(it)).toBeUndefined();
    expect(await deploymentOf(it)).toBeUndefined();
    expect(await it.find('ConfigMap', `${NAME}-mcp-config`)).toBeUndefined();
  });

  test('the command in the message gives it, and the server comes up', async () => {
    await env.shell(grantIn((await it.condition('KubeconfigReady', 'False', 'NotPermitted')).message));
    const copy = await it.child('Secret', 'mcp-kubeconfig');
    for (const part of [pair['client-certificate-data'], pair['client-key-data']]) expect(textOf(copy)).toContain(part);
    expect(copy.metadata.labels?.[MARK]).toBe('copied');
    expect(copy.metadata.annotations?.['mcp.kcp.io/copied-from']).toBe(`Kubeconfig ${it.source}/${SOURCE}`);
    expect(await configOf(it)).toMatchObject({ cluster_auth_mode: 'kubeconfig', require_oauth: false });
    expect((await it.child('Deployment', 'mcp')).metadata.labels?.[MARK]).toBe('used');
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
  });

  test('the status says that nobody signs in, and nothing of the credentials', async () => {
    const { status } = await it.server();
    const { message } = await it.condition('OIDCReady', 'True', 'NotRequired');
    expect(message).toContain('nobody signs in (spec.auth.allowUnauthenticated)');
    expect(status?.oidc).toBeUndefined();
    expect(status?.url).toBe('https://mcp.vespucci.example.com/mcp');
    const key = pair['client-key-data'];
    expect(JSON.stringify([await it.server(), await it.events()])).not.toContain(key.slice(40, 80));
  });
});

describe('with consent', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await becomeReady(it);
  }, 30_000);

  test('callers sign in, for this server', async () => {
    expect(await configOf(it)).toMatchObject({
      cluster_auth_mode: 'kubeconfig',
      require_oauth: true,
      oauth_audience: 'platform-mesh',
    });
  });

  test('renewed credentials are copied, and no Pod is replaced', async () => {
    const before = (await it.server()).status?.kubeconfig?.sha256;
    const { metadata } = await it.child('Deployment', 'mcp');
    const renewed = await credentials();
    await it.writeSourceSecret(await it.kubeconfig({ user: renewed }));
    const isNew = async () => textOf(await copyOf(it)).includes(renewed['client-key-data']);
    await waitFor('the renewed credentials', isNew, SOON);
    const changed = async () => (await it.server()).status?.kubeconfig?.sha256 !== before;
    await waitFor('another hash in the status', changed, SOON);
    expect((await it.child('Deployment', 'mcp')).metadata.generation).toBe(metadata.generation);
  });

  test.each([
    ['exec', { exec: { command: 'get-token', apiVersion: 'client.authentication.k8s.io/v1' } }],
    ['auth-provider', { 'auth-provider': { name: 'oidc' } }],
    ['tokenFile', { tokenFile: '/var/run/token' }],
    ['as', { as: 'admin' }],
  ])('%s is refused by name; the server goes on with the copy that it has', async (field, user) => {
    const { 'client-key-data': key } = await credentials('refused');
    await it.writeSourceSecret(await it.kubeconfig({ user: { ...(await credentials('refused')), ...user } }));
    const { message } = await it.condition('KubeconfigReady', 'False', 'InvalidKubeconfig');
    await waitFor(
      'the field in the message',
      async () => (await it.condition('KubeconfigReady', 'False')).message.includes(`users[].user.${field} `),
      SOON,
    );
    expect(message).toContain('The server goes on with the copy that it has');
    expect(textOf(await copyOf(it))).not.toContain(key);
    expect(await deploymentOf(it)).toBeDefined();
  });
});

describe('consent that is withdrawn', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await becomeReady(it);
  }, 30_000);

  test('takes the copy with it, and the Deployment whose Pods have read it', async () => {
    await consent(it, null);
    await gone('the copy', () => copyOf(it));
    await gone('the Deployment', () => deploymentOf(it));
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    expect(message).toContain('Nothing is copied, and no Pods run');
    await it.condition('Available', 'Unknown', 'WaitingForReference');
    expect((await it.server()).status?.kubeconfig).toEqual({
      source: { kind: 'Kubeconfig', namespace: it.source, name: SOURCE },
    });
    // What a caller's client points at, and what holds no secret, stays.
    for (const [kind, suffix] of [
      ['Service', 'mcp'],
      ['ConfigMap', 'mcp-config'],
      ['Certificate', 'mcp-tls'],
    ] as const)
      await it.child(kind, suffix);
  });

  test('for other namespaces too: it names those that may', async () => {
    await consent(it, 'somebody-else');
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    const named = async () =>
      (await it.condition('KubeconfigReady', 'False', 'NotPermitted')).message.includes('"somebody-else"');
    await waitFor('the annotation in the message', named, SOON);
    expect(message).not.toContain('-----BEGIN');
    expect(await copyOf(it)).toBeUndefined();
  });

  test('and given again brings everything back', async () => {
    await consent(it, `somebody-else, ${it.namespace}`);
    expect(textOf(await it.child('Secret', 'mcp-kubeconfig'))).toContain('client-key-data');
    await it.child('Deployment', 'mcp');
    await it.runPods();
    await it.condition('Available', 'True');
    await it.condition('KubeconfigReady', 'True', 'Copied');
  });

  test('by deleting the Kubeconfig, too', async () => {
    await it.remove('Kubeconfig', SOURCE, it.source);
    await gone('the copy', () => copyOf(it));
    await gone('the Deployment', () => deploymentOf(it));
    await it.condition('KubeconfigReady', 'False', 'NotFound');
    await it.createKubeconfig();
    await consent(it, '*');
    await it.child('Deployment', 'mcp');
  });

  test('while the operator is away, and whatever it had done before that', async () => {
    await operator.stop();
    await consent(it, null);
    // As if it had ended between the two.
    await it.remove('Secret', `${NAME}-mcp-kubeconfig`);
    operator = await env.startOperator();
    await gone('the Deployment', () => deploymentOf(it));
  }, 60_000);
});

describe('another mode', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await becomeReady(it);
  }, 30_000);

  const templateOf = (deployment: Child): unknown => deployment.spec?.['template'];

  test('OIDC takes the credentials out of the copy and replaces the Pods', async () => {
    const before = await it.child('Deployment', 'mcp');
    await changeAuth(it, { mode: 'OIDC' });
    await waitFor(
      'a copy without credentials',
      async () => !textOf(await copyOf(it)).includes('client-key-data'),
      SOON,
    );
    const copy = await it.child('Secret', 'mcp-kubeconfig');
    expect(textOf(copy)).toContain('server: https://kcp.example.com:6443/clusters/root');
    expect(copy.metadata.labels).not.toHaveProperty([MARK]);
    expect(copy.metadata.annotations).not.toHaveProperty(['mcp.kcp.io/copied-from']);
    const replaced = async () => {
      const after = await it.child('Deployment', 'mcp');
      return JSON.stringify(templateOf(after)) === JSON.stringify(templateOf(before)) ? undefined : after;
    };
    const after = await waitFor('another Pod template', replaced, SOON);
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.metadata.labels).not.toHaveProperty([MARK]);
    expect(await configOf(it)).toMatchObject({ cluster_auth_mode: 'passthrough', require_oauth: true });
  });

  test('Kubeconfig, without consent, leaves what runs as it is', async () => {
    await consent(it, null);
    const before = await it.child('Deployment', 'mcp');
    await changeAuth(it, { mode: 'Kubeconfig' });
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    expect(message).toContain('The server goes on with the copy that it has');
    await it.condition('ConfigReady', 'Unknown', 'WaitingForReference');
    const { uid, generation } = (await it.child('Deployment', 'mcp')).metadata;
    expect({ uid, generation }).toEqual({ uid: before.metadata.uid, generation: before.metadata.generation });
    expect(await configOf(it)).toMatchObject({ cluster_auth_mode: 'passthrough' });
    expect(textOf(await copyOf(it))).toContain('user: {}');
  });

  test('OIDC while the source cannot be read leaves nothing that holds credentials', async () => {
    await consent(it, it.namespace);
    await it.condition('KubeconfigReady', 'True', 'Copied');
    const marked = async () => (await deploymentOf(it))?.metadata.labels?.[MARK] !== undefined;
    await waitFor('Pods of mode Kubeconfig', marked, SOON);
    await it.remove('Secret', SOURCE, it.source);
    // It is for the owner of the Kubeconfig to take back what was lent: a Secret that is written anew is none of that.
    await it.condition('KubeconfigReady', 'False', 'NotFound');
    expect(textOf(await copyOf(it))).toContain('client-key-data');
    await changeAuth(it, { mode: 'OIDC' });
    await gone('the copy', () => copyOf(it));
    await gone('the Deployment', () => deploymentOf(it));
    await it.writeSourceSecret(await it.kubeconfig({ user: await credentials() }));
    expect(textOf(await it.child('Secret', 'mcp-kubeconfig'))).toContain('user: {}');
    await it.child('Deployment', 'mcp');
  });
});

test('another source has its own consent: what the one before lent is not used meanwhile', async () => {
  const it = await newCase(env);
  await becomeReady(it);
  await it.patch('KcpMcpServer', NAME, { spec: { kcp: { kubeconfigRef: null, secretRef: { name: 'mine' } } } });
  await gone('the copy', () => copyOf(it));
  await gone('the Deployment', () => deploymentOf(it));
  await it.condition('KubeconfigReady', 'False', 'Forbidden');
});

test('a Secret beside the server needs no consent', async () => {
  const it = await newCase(env);
  const pair = await credentials();
  await it.apply('Secret', 'mine', { stringData: { kubeconfig: await it.kubeconfig({ user: pair }) } });
  await it.createServer({ auth: SHARED, kcp: { secretRef: { name: 'mine' } } });
  await env.shell(grantIn((await it.condition('KubeconfigReady', 'False', 'Forbidden')).message));
  await it.condition('KubeconfigReady', 'True', 'Copied');
  expect(textOf(await copyOf(it))).toContain(pair['client-key-data']);
}, 60_000);

describe('consent that is withdrawn counts', () => {
  test('where a finalizer keeps a server that is deleted', async () => {
    const it = await newCase(env);
    await becomeReady(it);
    await it.patch('KcpMcpServer', NAME, { metadata: { finalizers: ['example.com/never'] } });
    await it.remove('KcpMcpServer', NAME);
    await consent(it, null);
    await gone('the copy', () => copyOf(it));
    await gone('the Deployment', () => deploymentOf(it));
    await it.patch('KcpMcpServer', NAME, { metadata: { finalizers: null } });
  });

  test('where the operator may not look at the copy any more', async () => {
    const it = await newCase(env);
    await becomeReady(it);
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${it.namespace}/rolebindings`;
    const { items } = (await env.api.request(roles)) as { items: { metadata: { name: string } }[] };
    for (const { metadata } of items) await env.api.request(`${roles}/${metadata.name}`, { method: 'DELETE' });
    // The watch that is open stays so: another term begins without.
    await operator.stop();
    operator = await env.startOperator();
    await consent(it, null);
    await gone('the Deployment', () => deploymentOf(it));
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    expect(message).toContain(`-n ${it.namespace} create role`);
  }, 60_000);

  test('for what was copied from a copy: that is no source', async () => {
    const it = await newCase(env);
    await becomeReady(it);
    const { spec } = await it.server();
    const kcp = { secretRef: { name: `${NAME}-mcp-kubeconfig` } };
    await it.apply('KcpMcpServer', 'second', { spec: { ...spec, kcp } });
    const second = async () =>
      (await it.find('KcpMcpServer', 'second')) as unknown as Awaited<ReturnType<Case['server']>>;
    const refused = async () =>
      (await second()).status?.conditions?.find(
        ({ type, reason }) => type === 'KubeconfigReady' && (reason === 'NotPermitted' || reason === 'Forbidden'),
      );
    const first = await waitFor('a word on the second', refused, SOON);
    if (first.reason === 'Forbidden') await env.shell(grantIn(first.message));
    const { message } = await waitFor(
      'the second to be refused',
      async () => ((await refused())?.reason === 'NotPermitted' ? refused() : undefined),
      SOON,
    );
    expect(message).toContain(
      `Secret ${it.namespace}/${NAME}-mcp-kubeconfig holds credentials that the operator copied`,
    );
    expect(await it.find('Secret', 'second-mcp-kubeconfig')).toBeUndefined();
    expect(await it.find('Deployment', 'second-mcp')).toBeUndefined();
  }, 60_000);
});
