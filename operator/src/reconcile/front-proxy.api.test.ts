// spec.kcp.frontProxyRef: hostname, FrontProxy and certificate issuer are enough. With the Roles of config/samples/front-proxy.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { isWork, operatorRequests } from '../faults/testing/audit.ts';
import { NAME } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';
import { FRONT_PROXY, ISSUER, ISSUER_CA, newFrontProxyCase, type FrontProxyCase } from './testing/front-proxy.ts';

const FINALIZER = 'mcp.kcp.io/minted-kubeconfigs';
const SOON = { deadlineMs: 15_000, intervalMs: 20 };

let env: Environment;

beforeAll(async () => {
  const kcpOperator = [CRDS.kubeconfigs, CRDS.frontProxies, CRDS.rootShards];
  env = await startEnvironment([CRDS.ours, ...kcpOperator, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const configOf = async (it: FrontProxyCase): Promise<Record<string, unknown>> =>
  parse((await it.child('ConfigMap', 'mcp-config')).data?.['config.toml'] ?? '');
const finalizersOf = async (it: FrontProxyCase) => (await it.server()).metadata.finalizers;
/** How often the operator has set or removed the finalizer. */
const finalizerWrites = async (it: FrontProxyCase): Promise<number> =>
  (await operatorRequests(env.plane.auditLog))
    .filter(isWork)
    .filter(({ requestURI }) => requestURI.startsWith(`${it.path('KcpMcpServer', NAME)}?`)).length;
const grantIn = (message: string): string => /Grant it with: (.*)$/.exec(message)?.[1] ?? 'false';

describe('hostname, frontProxyRef and issuerRef', () => {
  let it: FrontProxyCase;
  beforeAll(async () => {
    it = await newFrontProxyCase(env);
    await it.createIssuerCA('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n');
    await it.createFrontProxy({ ...ISSUER, caFileRef: { name: ISSUER_CA } });
    await it.consent('other', it.namespace);
    await it.createServer();
    await it.fill();
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 60_000);

  test('are enough', async () => {
    const { spec, status } = await it.server();
    expect(Object.keys(spec).filter((field) => ['hostname', 'kcp', 'tls'].includes(field))).toHaveLength(3);
    expect(spec.auth.oidc).toBeUndefined();
    expect(status).toMatchObject({
      url: 'https://mcp.vespucci.example.com/mcp',
      kubeconfig: {
        source: { kind: 'FrontProxy', namespace: it.source, name: FRONT_PROXY },
        server: 'https://kcp.example.com:6443',
      },
      oidc: { issuer: ISSUER.issuerURL, audience: ISSUER.clientID },
    });
  });

  test('make a Kubeconfig whose user is ours to say, and which says whose it is', async () => {
    const { spec, metadata } = await it.kubeconfigOfOurs();
    expect(spec).toEqual({
      target: { frontProxyRef: { name: FRONT_PROXY } },
      targetWorkspace: 'root',
      username: 'kcp-mcp',
      groups: [],
      validity: '720h',
      secretRef: { name: it.minted },
    });
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'kcp-mcp-operator',
      'mcp.kcp.io/server-namespace': it.namespace,
      'mcp.kcp.io/server-name': NAME,
    });
    expect(await finalizersOf(it)).toEqual([FINALIZER]);
  });

  test('bring issuer, client id and CA into the Pods, and of the CA its certificates only', async () => {
    expect(await configOf(it)).toMatchObject({
      authorization_url: ISSUER.issuerURL,
      oauth_audience: ISSUER.clientID,
      certificate_authority: '/etc/kcp-mcp/oidc-ca/ca.crt',
    });
    const { data } = await it.child('ConfigMap', 'mcp-config');
    expect(data?.['issuer-ca.crt']?.trim()).toBe((await readFile(env.plane.caFile, 'utf8')).trim());
    const { spec } = (await it.child('Deployment', 'mcp')).spec?.['template'] as { spec: { volumes: object[] } };
    const items = [{ key: 'issuer-ca.crt', path: 'ca.crt' }];
    expect(spec.volumes).toContainEqual({
      name: 'oidc-ca',
      configMap: expect.objectContaining({ name: `${NAME}-mcp-config`, items }),
    });
  });

  test('follow the FrontProxy', async () => {
    await it.createFrontProxy({ issuerURL: 'https://new.example.com', clientID: 'other' });
    const followed = async () => (await configOf(it))['authorization_url'] === 'https://new.example.com';
    await waitFor('the new issuer', followed, SOON);
    expect(await configOf(it)).toMatchObject({ oauth_audience: 'other' });
    expect(await configOf(it)).not.toHaveProperty('certificate_authority');
    expect((await it.child('ConfigMap', 'mcp-config')).data).not.toHaveProperty('issuer-ca.crt');
  });

  test('put right what was changed by hand', async () => {
    const { metadata } = await it.kubeconfigOfOurs();
    await it.patch('Kubeconfig', it.minted, { spec: { groups: ['system:masters'] } }, { where: it.source });
    const right = async () => ((await it.kubeconfigOfOurs()).spec?.['groups'] as string[]).length === 0;
    await waitFor('the groups to be put back', right, SOON);
    await it.remove('Kubeconfig', it.minted, it.source);
    const back = async () => (await it.kubeconfigOfOurs()).metadata.uid !== metadata.uid;
    await waitFor('the Kubeconfig to be back', back, SOON);
  });

  test('go without a trace, and wait for nobody', async () => {
    // As kcp-operator's, when the front-proxy is gone.
    await it.patch('Kubeconfig', it.minted, { metadata: { finalizers: ['test/forever'] } }, { where: it.source });
    await it.remove('KcpMcpServer', NAME);
    await it.gone('KcpMcpServer', NAME, it.namespace);
    expect((await it.kubeconfigOfOurs()).metadata.deletionTimestamp).toBeDefined();
    await it.patch('Kubeconfig', it.minted, { metadata: { finalizers: null } }, { where: it.source });
    await it.gone('Kubeconfig', it.minted, it.source);
  });
});

describe('consent', () => {
  test('is asked for with the command that gives it, and can be withdrawn', async () => {
    const it = await newFrontProxyCase(env);
    await it.createFrontProxy();
    await it.consent('other');
    await it.createServer();
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    expect(message).toContain(`FrontProxy ${it.source}/${FRONT_PROXY}`);
    expect(message).toContain(`namespace ${it.namespace}`);
    expect(await it.find('Kubeconfig', it.minted, it.source)).toBeUndefined();
    expect(await finalizersOf(it)).toBeUndefined();

    await env.shell(grantIn(message));
    const { metadata } = (await it.find('FrontProxy', FRONT_PROXY, it.source)) ?? {};
    expect(metadata?.annotations?.['mcp.kcp.io/allow-namespaces']).toBe(`other,${it.namespace}`);
    await it.fill();
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');

    await it.consent('other');
    await it.condition('KubeconfigReady', 'False', 'NotPermitted');
    await it.gone('Kubeconfig', it.minted, it.source);
    await it.gone('Secret', `${NAME}-mcp-kubeconfig`, it.namespace);
    await waitFor('the finalizer to go', async () => (await finalizersOf(it)) === undefined, SOON);

    // What kcp-operator may leave of the Secret isn't in the way.
    expect(await it.find('Secret', it.minted, it.source)).toBeDefined();
    await it.consent(it.namespace);
    await it.fill();
    await it.condition('Ready', 'True');
  }, 60_000);

  test('without the Roles each message holds the command that grants what is missing', async () => {
    const it = await newFrontProxyCase(env, { roles: false });
    await it.createIssuerCA();
    await it.createFrontProxy({ ...ISSUER, caFileRef: { name: ISSUER_CA, key: 'ca.crt' } });
    await it.consent(it.namespace);
    await it.createServer();
    const granted = async (type: string, secret: string): Promise<void> => {
      const { message } = await it.condition(type, 'False', 'Forbidden');
      expect(message).toContain(secret);
      await env.shell(grantIn(message));
    };
    await granted('OIDCReady', `${it.source}/${ISSUER_CA}`);
    await granted('KubeconfigReady', `${it.source}/${it.minted}`);
    await it.fill();
    await granted('CertificateReady', `${NAME}-mcp-tls`);
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 90_000);
});

describe('the issuer', () => {
  test('may be that of the RootShard, or none', async () => {
    const it = await newFrontProxyCase(env);
    await it.createFrontProxy(null, { webhook: { configSecretName: 'hook' } });
    await it.consent(it.namespace);
    await it.createServer();
    expect((await it.condition('OIDCReady', 'False', 'NotFound')).message).toContain(`RootShard ${it.source}/root`);
    await it.createRootShard(null);
    const { message } = await it.condition('OIDCReady', 'False', 'NotInherited');
    expect(message).toContain(`spec.auth.webhook in FrontProxy ${it.source}/${FRONT_PROXY}`);
    expect(message).toContain('Set spec.auth.oidc');
    expect(await it.find('ConfigMap', `${NAME}-mcp-config`)).toBeUndefined();

    await it.createRootShard({ issuerURL: 'https://shard.example.com', clientID: 'shard' });
    expect(await configOf(it)).toMatchObject({
      authorization_url: 'https://shard.example.com',
      oauth_audience: 'shard',
    });
    await it.fill();
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');

    // What runs goes on when there is nothing to take over any more.
    await it.createRootShard({ issuerURL: 'http://shard.example.com', clientID: 'shard' });
    expect((await it.condition('OIDCReady', 'False', 'NotInherited')).message).toContain('not an https URL');
    await it.condition('Available', 'True');
    expect(await configOf(it)).toMatchObject({ authorization_url: 'https://shard.example.com' });
  }, 60_000);

  test('of the spec may differ, which is told, and stops nothing', async () => {
    const it = await newFrontProxyCase(env);
    await it.becomeReady();
    const auth = { oidc: { issuerURL: 'https://typo.example.com', audience: 'kcp' } };
    await it.patch('KcpMcpServer', NAME, { spec: { auth } });
    const { message } = await it.condition('OIDCReady', 'False', 'Mismatch');
    for (const text of ['https://typo.example.com', ISSUER.issuerURL, '"kcp"', `"${ISSUER.clientID}"`]) {
      expect(message).toContain(text);
    }
    expect(message).toContain('leave out spec.auth.oidc');
    expect(await configOf(it)).toMatchObject({ authorization_url: 'https://typo.example.com' });
    await it.condition('Ready', 'False', 'Mismatch');
    await it.condition('KubeconfigReady', 'True');
    await it.createFrontProxy({ issuerURL: 'https://typo.example.com', clientID: 'kcp' });
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 60_000);
});

describe('another’s', () => {
  test('Kubeconfig of that name is left alone', async () => {
    const it = await newFrontProxyCase(env);
    const spec = { target: { frontProxyRef: { name: 'x' } }, username: 'x', validity: '1h', secretRef: { name: 'x' } };
    await it.apply('Kubeconfig', it.minted, { spec }, it.source);
    await it.createFrontProxy();
    await it.consent(it.namespace);
    await it.createServer();
    const { message } = await it.condition('KubeconfigReady', 'False', 'Conflict');
    expect(message).toContain(`Kubeconfig ${it.source}/${it.minted} exists already`);
    await it.condition('Stalled', 'True', 'Conflict');
    expect((await it.kubeconfigOfOurs()).spec).toMatchObject({ username: 'x' });
    await it.remove('Kubeconfig', it.minted, it.source);
    await it.fill();
    await it.condition('KubeconfigReady', 'True');
    // A finalizer that came and went with each attempt would wake the operator for the next one.
    expect(await finalizerWrites(it)).toBe(1);
  }, 30_000);

  test('Secret of that name is left alone', async () => {
    const it = await newFrontProxyCase(env);
    await it.apply(
      'Secret',
      it.minted,
      { stringData: { kubeconfig: await it.kubeconfig(), other: 'mine' } },
      it.source,
    );
    await it.createFrontProxy();
    await it.consent(it.namespace);
    await it.createServer();
    const { message } = await it.condition('KubeconfigReady', 'False', 'Conflict');
    expect(message).toContain(`Secret ${it.source}/${it.minted} exists already`);
    expect(await it.find('Kubeconfig', it.minted, it.source)).toBeUndefined();
    await it.remove('Secret', it.minted, it.source);
    await it.fill();
    await it.condition('KubeconfigReady', 'True');
  }, 30_000);
});

describe('a change of the spec', () => {
  test('to a kubeconfigRef takes the Kubeconfig back; that one’s FrontProxy is compared with, too', async () => {
    const it = await newFrontProxyCase(env);
    await it.becomeReady();
    await it.writeSourceSecret(await it.kubeconfig());
    await it.createKubeconfig();
    await it.patch('KcpMcpServer', NAME, {
      spec: {
        kcp: { frontProxyRef: null, kubeconfigRef: { name: 'kcp-mcp-kubeconfig', namespace: it.source } },
        auth: { oidc: { issuerURL: ISSUER.issuerURL, audience: 'typo' } },
      },
    });
    await it.gone('Kubeconfig', it.minted, it.source);
    await waitFor('the finalizer to go', async () => (await finalizersOf(it)) === undefined, SOON);
    // Nothing of the FrontProxy is told before the Secret of the Kubeconfig may be read.
    const { message } = await it.condition('KubeconfigReady', 'False', 'Forbidden');
    expect(JSON.stringify((await it.server()).status?.conditions)).not.toContain(ISSUER.clientID);
    await env.shell(grantIn(message));
    expect((await it.condition('OIDCReady', 'False', 'Mismatch')).message).toBe(
      `spec.auth.oidc.audience "typo" differs from "platform-mesh", which is spec.auth.oidc.clientID of FrontProxy ${it.source}/${FRONT_PROXY}: kcp refuses tokens of another issuer or audience. Set it to the value of FrontProxy ${it.source}/${FRONT_PROXY}`,
    );
    await it.patch('KcpMcpServer', NAME, { spec: { auth: { oidc: { audience: ISSUER.clientID } } } });
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 60_000);

  test('to a FrontProxy beside the server needs neither consent nor finalizer', async () => {
    const it = await newFrontProxyCase(env);
    await it.becomeReady();
    const spec = { rootShard: {}, auth: { oidc: ISSUER, serviceAccount: { enabled: true } } };
    await it.apply('FrontProxy', 'near', { spec });
    const kcp = { frontProxyRef: { name: 'near', namespace: null } };
    await it.patch('KcpMcpServer', NAME, { spec: { kcp } });
    const { message } = await it.condition('KubeconfigReady', 'False', 'Forbidden');
    await env.shell(grantIn(message));
    const near = await waitFor('the Kubeconfig', () => it.find('Kubeconfig', it.minted), SOON);
    const { uid } = (await it.server()).metadata;
    expect(near.metadata.ownerReferences).toEqual([expect.objectContaining({ uid, controller: true })]);
    await it.gone('Kubeconfig', it.minted, it.source);
    await waitFor('the finalizer to go', async () => (await finalizersOf(it)) === undefined, SOON);
  }, 60_000);
});
