// Everything that can be wrong with what a KcpMcpServer refers to: each is a condition that says so, and is over by itself
// when it is mended.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NAME, newCase, SOURCE, type Case } from './testing/case.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import {
  certManagerCRDs,
  CRDS,
  OPERATOR_NAMESPACE,
  startEnvironment,
  type Environment,
} from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

interface BadSource {
  name: string;
  arrange: (it: Case) => Promise<void>;
  reason: string;
  says: (it: Case) => string;
  mend: (it: Case) => Promise<void>;
}

const withText = (name: string, text: (it: Case) => string | Promise<string>, says: string): BadSource => ({
  name,
  arrange: async (it) => {
    await it.writeSourceSecret(await text(it));
    await it.createKubeconfig();
  },
  reason: 'InvalidKubeconfig',
  says: () => says,
  mend: async (it) => it.writeSourceSecret(await it.kubeconfig()),
});

const badSources: BadSource[] = [
  {
    name: 'no Kubeconfig',
    arrange: async (it) => it.writeSourceSecret(await it.kubeconfig()),
    reason: 'NotFound',
    says: (it) => `Kubeconfig ${it.source}/${SOURCE} not found`,
    mend: (it) => it.createKubeconfig(),
  },
  {
    name: 'a Kubeconfig that kcp-operator hasn’t finished',
    arrange: async (it) => {
      await it.createSource();
      await it.setPhase('Provisioning');
    },
    reason: 'SourceNotReady',
    says: (it) => `Kubeconfig ${it.source}/${SOURCE} is not ready: it has phase Provisioning`,
    mend: (it) => it.setPhase('Ready'),
  },
  {
    name: 'no Secret',
    arrange: (it) => it.createKubeconfig(),
    reason: 'NotFound',
    says: (it) => `Secret ${it.source}/${SOURCE}, which kcp-operator writes`,
    mend: async (it) => it.writeSourceSecret(await it.kubeconfig()),
  },
  {
    name: 'a Secret without the key kubeconfig',
    arrange: async (it) => {
      await it.writeSourceSecret(await it.kubeconfig(), 'config');
      await it.createKubeconfig();
    },
    reason: 'KeyMissing',
    says: (it) => `Secret ${it.source}/${SOURCE} has no key kubeconfig`,
    mend: async (it) => it.writeSourceSecret(await it.kubeconfig()),
  },
  withText('a kubeconfig that isn’t YAML', () => 'a: [b\n\u0000{{', 'is not valid YAML'),
  withText('a kubeconfig that is a list', () => '- a\n- b\n', 'is not a YAML mapping'),
  withText('exec', (it) => it.kubeconfig({ user: { exec: { command: 'kubelogin' } } }), 'users[].user.exec'),
  withText('a file path', (it) => it.kubeconfig({ user: { 'client-key': '/etc/key.pem' } }), 'users[].user.client-key'),
  withText(
    'a CA file',
    (it) => it.kubeconfig({ cluster: { 'certificate-authority': '/ca' } }),
    'certificate-authority',
  ),
  withText('a proxy', (it) => it.kubeconfig({ cluster: { 'proxy-url': 'http://p' } }), 'clusters[].cluster.proxy-url'),
  withText('no TLS', (it) => it.kubeconfig({ server: 'http://kcp.example.com' }), 'must be an https URL'),
];

describe('a source with', () => {
  test.each(badSources)(
    '$name: $reason, and then it is mended',
    async ({ arrange, reason, says, mend }) => {
      const it = await newCase(env);
      await arrange(it);
      await it.createServer();
      const { message } = await it.condition('KubeconfigReady', 'False', reason);
      expect(message).toContain(says(it));
      expect((await it.condition('Ready', 'False', reason)).message).toBe(message);
      expect(await it.find('Deployment', `${NAME}-mcp`)).toBeUndefined();

      await mend(it);
      await it.condition('KubeconfigReady', 'True', 'Copied');
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
    },
    30_000,
  );
});

describe('without the Roles', () => {
  test('each message holds the command that grants what is missing, until nothing is', async () => {
    const it = await newCase(env, { roles: false });
    await it.createSource();
    await it.createServer();
    const forbidden = async (type: string, secret: string): Promise<void> => {
      const { message } = await it.condition(type, 'False', 'Forbidden');
      expect(message).toContain(secret);
      await env.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
    };
    await forbidden('KubeconfigReady', `${it.source}/${SOURCE}`);
    await it.condition('KubeconfigReady', 'True', 'Copied');
    await forbidden('CertificateReady', `${it.namespace}/${NAME}-mcp-tls`);
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 60_000);
});

test('a Role that lets the copy be read but not written: Forbidden, and the command says what is missing', async () => {
  const it = await newCase(env);
  const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${it.namespace}/roles/kcp-mcp-operator-vespucci`;
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'watch'] }];
  const contentType = 'application/merge-patch+json';
  await env.api.request(role, { method: 'PATCH', contentType, body: { rules } });
  await it.createSource();
  await it.createServer();
  const { message } = await it.condition('KubeconfigReady', 'False', 'Forbidden');
  expect(message).toContain(`Secret ${it.namespace}/${NAME}-mcp-kubeconfig`);
  await env.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
  await it.condition('KubeconfigReady', 'True', 'Copied');
}, 60_000);

describe('a foreign object under the name of a child is left alone', () => {
  const foreign = { metadata: { labels: { whose: 'theirs' } } };
  test.each<[string, string, string, object]>([
    ['ServiceAccount', 'mcp', 'Available', foreign],
    ['ConfigMap', 'mcp-config', 'ConfigReady', { ...foreign, data: { 'config.toml': 'theirs' } }],
    ['Service', 'mcp', 'Exposed', { ...foreign, spec: { ports: [{ port: 1 }], selector: { a: 'b' } } }],
    ['Secret', 'mcp-kubeconfig', 'KubeconfigReady', { ...foreign, stringData: { kubeconfig: 'theirs' } }],
    ['Secret', 'mcp-tls', 'CertificateReady', { ...foreign, stringData: { 'tls.key': 'theirs' } }],
    [
      'Certificate',
      'mcp-tls',
      'CertificateReady',
      { ...foreign, spec: { secretName: 'theirs', dnsNames: ['a.example.com'], issuerRef: { name: 'theirs' } } },
    ],
    [
      'Deployment',
      'mcp',
      'Available',
      {
        ...foreign,
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      },
    ],
  ])(
    '%s %s: %s is False, Conflict; over when it is gone',
    async (kind, suffix, cause, body) => {
      const it = await newCase(env);
      const name = `${NAME}-${suffix}`;
      await it.apply(kind, name, { ...body, metadata: { name, ...foreign.metadata } });
      const before = await it.child(kind, suffix);
      await it.createSource();
      await it.createServer();
      const { message } = await it.condition(cause, 'False', 'Conflict');
      expect(message).toContain(`${kind} ${it.namespace}/${name}`);
      await it.condition('Ready', 'False', 'Conflict');
      await it.condition('Stalled', 'True', 'Conflict');
      expect(await it.child(kind, suffix)).toEqual(before);
      if (kind === 'Secret' && suffix === 'mcp-tls') expect(await it.find('Certificate', name)).toBeUndefined();

      await it.remove(kind, name);
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
    },
    30_000,
  );
});

describe('the issuer’s CA', () => {
  test.each<[string, object | undefined, string, string]>([
    ['is missing', undefined, 'NotFound', 'ConfigMap'],
    ['has no such key', { data: { other: 'x' } }, 'KeyMissing', 'has no key ca.crt'],
    ['is no certificate', { data: { 'ca.crt': 'hello' } }, 'InvalidCA', 'holds no CERTIFICATE block'],
  ])(
    '%s',
    async (_, body, reason, says) => {
      const it = await newCase(env);
      if (body) await it.apply('ConfigMap', 'idp-ca', body);
      await it.createSource();
      const oidc = { issuerURL: 'https://auth.example.com', audience: 'platform-mesh', caRef: { name: 'idp-ca' } };
      await it.createServer({ auth: { oidc } });
      expect((await it.condition('OIDCReady', 'False', reason)).message).toContain(says);
      await it.apply('ConfigMap', 'idp-ca', { data: { 'ca.crt': await readFile(env.plane.caFile, 'utf8') } });
      await it.condition('OIDCReady', 'True');
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
    },
    30_000,
  );
});

describe('the secret of an exchange', () => {
  const SECRET = 'mcp-exchange';
  const auth = {
    oidc: { issuerURL: 'https://auth.example.com' },
    upstream: { mode: 'Exchange', audience: 'kcp', clientID: 'kcp-mcp', clientSecretRef: { name: SECRET } },
  };

  test.each<[string, object | undefined, string, string]>([
    ['is missing', undefined, 'NotFound', `${SECRET} not found: create it with the secret of client kcp-mcp`],
    ['has no such key', { stringData: { other: 'x' } }, 'KeyMissing', `${SECRET} has no key client-secret`],
  ])(
    '%s: a condition that names it, over when it is there',
    async (_, body, reason, says) => {
      const it = await newCase(env);
      const grantee = `--serviceaccount=${OPERATOR_NAMESPACE}:kcp-mcp-operator`;
      const key = { namespace: it.namespace, name: SECRET };
      await env.shell(grantCommand({ resource: 'secrets', key, verbs: READ_VERBS, grantee }));
      if (body) await it.apply('Secret', SECRET, body);
      await it.createSource();
      await it.createServer({ auth });
      expect((await it.condition('OIDCReady', 'False', reason)).message).toContain(says);
      await it.apply('Secret', SECRET, { stringData: { 'client-secret': 'hunter2' } });
      await it.condition('OIDCReady', 'True');
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
      for (const [kind, suffix] of [
        ['ConfigMap', 'mcp-config'],
        ['Deployment', 'mcp'],
      ] as const) {
        expect(JSON.stringify(await it.child(kind, suffix))).not.toContain('hunter2');
      }
    },
    30_000,
  );

  test('that the operator may not read is left to the Pods', async () => {
    const it = await newCase(env);
    await it.createSource();
    await it.createServer({ auth });
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
  }, 30_000);
});

test('a spec that only the API server of Deployments can judge is Rejected, naming the field', async () => {
  const it = await newCase(env);
  await it.createSource();
  await it.createServer({ deployment: { tolerations: [{ key: 'not a key!', operator: 'Exists' }] } });
  expect((await it.condition('Stalled', 'True', 'Rejected')).message).toContain('tolerations');
  await it.condition('Available', 'False', 'Rejected');
  await it.createServer();
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
}, 30_000);

test('a quota that refuses a child is told, and tried again', async () => {
  const it = await newCase(env);
  const quota = `/api/v1/namespaces/${it.namespace}/resourcequotas`;
  const hard = { 'count/services': '0' };
  await env.api.apply(quota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard } });
  // The quota controller, which this API server lacks, would write this.
  await env.api.request(`${quota}/none/status`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { status: { hard, used: { 'count/services': '0' } } },
  });
  await it.createSource();
  await it.createServer();
  expect((await it.condition('Exposed', 'False', 'Rejected')).message).toContain('exceeded quota');
  await it.condition('Reconciling', 'True', 'RetryingAfterError');
  await env.api.request(`${quota}/none`, { method: 'DELETE' });
  await it.condition('Exposed', 'True', 'ServiceReady');
}, 30_000);

test('an admission webhook that does not answer holds up nothing but what it is asked about, and is named', async () => {
  const it = await newCase(env);
  const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const name = `${it.namespace}.example.com`;
  await env.api.apply(hooks, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url: 'https://127.0.0.1:9/nobody' },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': it.namespace } },
        rules: [
          { apiGroups: ['cert-manager.io'], apiVersions: ['*'], resources: ['certificates'], operations: ['CREATE'] },
        ],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  await it.createSource();
  await it.createServer();
  const { message } = await it.condition('CertificateReady', 'False', 'Rejected');
  expect(message).toContain(`admission webhook "${name}"`);
  expect(message).not.toContain('127.0.0.1');
  await it.condition('Reconciling', 'True', 'RetryingAfterError');
  await it.runPods();
  await it.condition('Available', 'True');
  await it.condition('Exposed', 'True');
  await env.api.request(`${hooks}/${name}`, { method: 'DELETE' });
  await it.issueCertificate();
  await it.condition('Ready', 'True');
}, 30_000);
