// The whole operator on a real API server, with the rights of config/default and of the samples' Roles.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { CHILDREN, CREDENTIAL, NAME, newCase, SOURCE, type Case } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };

const decode = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();

describe('a KcpMcpServer with everything that it needs', () => {
  let it: Case;
  beforeAll(async () => {
    it = await newCase(env);
    await it.becomeReady();
  }, 30_000);

  test('gets all its children, each with an ownerReference for garbage collection', async () => {
    const { metadata } = await it.server();
    for (const [kind, suffix] of CHILDREN) {
      const child = await it.child(kind, suffix);
      expect(child.metadata.ownerReferences).toEqual([
        expect.objectContaining({
          kind: 'KcpMcpServer',
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        }),
      ]);
    }
    expect(metadata.finalizers).toBeUndefined();
  });

  test('says how it is in its status', async () => {
    const { status, metadata } = await it.server();
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      url: 'https://mcp.vespucci.example.com/mcp',
      replicas: 1,
      readyReplicas: 1,
      kubeconfig: {
        source: { kind: 'Kubeconfig', namespace: it.source, name: SOURCE },
        server: 'https://kcp.example.com:6443',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      oidc: { issuer: 'https://auth.example.com', audience: 'platform-mesh' },
      certificate: { secretName: `${NAME}-mcp-tls`, notAfter: '2036-01-01T00:00:00Z' },
    });
    expect(status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort()).toEqual([
      'Available=True MinimumReplicasAvailable',
      'CertificateReady=True Issued',
      'ConfigReady=True Rendered',
      'Exposed=True ServiceReady',
      'KcpReachable=True KcpAnswers',
      'KubeconfigReady=True Copied',
      'OIDCReady=True IssuerVerified',
      'Ready=True Succeeded',
    ]);
  });

  test('copies where kcp is, and no credential', async () => {
    const copy = decode((await it.child('Secret', 'mcp-kubeconfig')).data?.['kubeconfig']);
    expect(copy).toContain('server: https://kcp.example.com:6443/clusters/root\n');
    expect(copy).toContain('certificate-authority-data');
    expect(decode((await it.find('Secret', SOURCE, it.source))?.data?.['kubeconfig'])).toContain(CREDENTIAL);
    for (const [kind, suffix] of CHILDREN) {
      const child = await it.child(kind, suffix);
      const texts = [JSON.stringify(child), ...Object.values(child.data ?? {}).map(decode)];
      expect(texts.join('\n')).not.toContain(CREDENTIAL);
    }
  });

  test('records an Event when Ready changes', async () => {
    const event = await waitFor(
      'the event',
      async () => (await it.events()).find(({ reason }) => reason === 'Succeeded'),
      SOON,
    );
    expect(event).toMatchObject({ type: 'Normal', note: 'the endpoint is up', regarding: { name: NAME } });
  });
});

describe('the source of the kubeconfig', () => {
  test('a rotation reaches the copy, and is told', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    const before = (await it.server()).status?.kubeconfig?.sha256;
    await it.writeSourceSecret(await it.kubeconfig({ server: 'https://new.example.com:8443' }));
    const status = await waitFor(
      'the new server',
      async () => {
        const { status } = await it.server();
        return status?.kubeconfig?.server === 'https://new.example.com:8443' ? status : undefined;
      },
      SOON,
    );
    expect(status.kubeconfig?.sha256).not.toBe(before);
    expect(decode((await it.child('Secret', 'mcp-kubeconfig')).data?.['kubeconfig'])).toContain('new.example.com');
    await waitFor(
      'an event',
      async () => (await it.events()).find(({ reason }) => reason === 'KubeconfigRotated'),
      SOON,
    );
  }, 30_000);

  test('when it vanishes, what runs goes on and still follows the spec; when it returns, all is well', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    await it.remove('Secret', SOURCE, it.source);
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotFound');
    expect(message).toContain(`Secret ${it.source}/${SOURCE}`);
    expect(message).toContain('goes on with the copy');
    await it.condition('Ready', 'False', 'NotFound');

    await it.createServer({ deployment: { replicas: 2 } });
    await waitFor('two replicas', async () => (await it.child('Deployment', 'mcp')).spec?.['replicas'] === 2, SOON);
    await it.child('Secret', 'mcp-kubeconfig');
    expect((await it.server()).status?.kubeconfig).toMatchObject({ server: 'https://kcp.example.com:6443' });

    await it.writeSourceSecret(await it.kubeconfig());
    await it.condition('KubeconfigReady', 'True', 'Copied');
  }, 30_000);

  test('may be a Secret in the same namespace, made by hand', async () => {
    const it = await newCase(env);
    await it.apply('Secret', SOURCE, { stringData: { config: await it.kubeconfig() } });
    await it.createServer({ kcp: { secretRef: { name: SOURCE, key: 'config' } } });
    const { message } = await it.condition('KubeconfigReady', 'False', 'Forbidden');
    await env.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
    await it.condition('KubeconfigReady', 'True', 'Copied');
    expect((await it.server()).status?.kubeconfig?.source).toEqual({
      kind: 'Secret',
      namespace: it.namespace,
      name: SOURCE,
    });
  }, 30_000);
});

describe('a change of the spec', () => {
  test('naming a certificate kept elsewhere prunes the Certificate', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    await it.createServer({ tls: { secretName: 'kept-elsewhere' } });
    await waitFor('the Certificate to go', async () => !(await it.find('Certificate', `${NAME}-mcp-tls`)), SOON);
    await it.condition('CertificateReady', 'True', 'Provided');
  }, 30_000);

  test('is no longer Ready once its certificate has expired, though nobody tells', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    const notAfter = new Date(Date.now() + 3_000).toISOString().replace(/\.\d+Z$/, 'Z');
    await it.issueCertificate(notAfter);
    expect((await it.condition('CertificateReady', 'False', 'CertificateExpired')).message).toContain(notAfter);
    await it.condition('Ready', 'False', 'CertificateExpired');
  }, 30_000);

  test('is Ready only when its Pods are up', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    await it.createServer({ deployment: { image: 'kcp-mcp-runtime:next' } });
    await it.condition('Ready', 'Unknown', 'RollingOut');
    await it.condition('Reconciling', 'True', 'Progressing');
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 30_000);
});
