import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
// The other side of the contract.
import { parseKubeconfig } from '../../../mcp-runtime/src/kcp/kubeconfig.ts';
import { copyKubeconfig, KubeconfigError, kubeconfigSha256, renderKubeconfig } from './kubeconfig-copy.ts';

const pem = readFileSync(join(import.meta.dirname, 'testdata/ca.pem'), 'utf8');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const caData = base64(pem);

type Fields = Record<string, unknown>;

const HOST = 'https://kcp.example.com:6443';

/** A kubeconfig as kcp-operator writes it, with fields of the current cluster and user added or replaced. */
function source({ cluster = {}, user = {}, root = {} }: { cluster?: Fields; user?: Fields; root?: Fields } = {}) {
  const base = { server: HOST, 'certificate-authority-data': caData };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'base', cluster: base },
      { name: 'default', cluster: { ...base, server: `${HOST}/clusters/root`, ...cluster } },
    ],
    contexts: [
      { name: 'base', context: { cluster: 'base', user: 'kcp-mcp' } },
      { name: 'default', context: { cluster: 'default', user: 'kcp-mcp' } },
    ],
    'current-context': 'default',
    users: [
      {
        name: 'kcp-mcp',
        user: { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key'), ...user },
      },
    ],
    ...root,
  });
}

function errorOf(text: string): KubeconfigError {
  try {
    copyKubeconfig(text);
  } catch (error) {
    if (error instanceof KubeconfigError) return error;
    throw error;
  }
  throw new Error('it was copied');
}

describe('copies address and CA of the current context', () => {
  test('as kcp-operator writes it, without the workspace', () => {
    expect(copyKubeconfig(source())).toEqual({ server: HOST, workspace: 'root', caData });
  });

  test.each([
    [HOST, { server: HOST }],
    [`${HOST}/`, { server: HOST }],
    [`${HOST}/clusters/root:acme`, { server: HOST, workspace: 'root:acme' }],
    [`${HOST}/clusters/root/`, { server: HOST, workspace: 'root' }],
    ['https://KCP.example.com:443/clusters/2qpk1x', { server: 'https://kcp.example.com', workspace: '2qpk1x' }],
  ])('server %s', (server, expected) => {
    expect(copyKubeconfig(source({ cluster: { server } }))).toEqual({ ...expected, caData });
  });

  test('the name of the server', () => {
    const cluster = { 'tls-server-name': 'front-proxy.kcp.svc' };
    expect(copyKubeconfig(source({ cluster }))).toMatchObject({ tlsServerName: 'front-proxy.kcp.svc' });
  });

  test('no CA where the source relies on those of the system', () => {
    expect(copyKubeconfig(source({ cluster: { 'certificate-authority-data': '' } }))).toEqual({
      server: HOST,
      workspace: 'root',
    });
  });

  test('only the certificates of a CA bundle that holds a key too', () => {
    const bundle = `# secret comment\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${pem}trailing`;
    expect(copyKubeconfig(source({ cluster: { 'certificate-authority-data': base64(bundle) } })).caData).toBe(caData);
  });

  test('fields that are there but say nothing are no obstacle', () => {
    const cluster = { 'proxy-url': '', 'insecure-skip-tls-verify': false, 'certificate-authority': '' };
    expect(copyKubeconfig(source({ cluster, user: { tokenFile: '', exec: null } }))).toMatchObject({
      server: HOST,
      caData,
    });
  });
});

describe('refuses, naming the field', () => {
  test.each<[string, Parameters<typeof source>[0]]>([
    ['users[].user.exec', { user: { exec: { command: 'aws' } } }],
    ['users[].user.auth-provider', { user: { 'auth-provider': { name: 'oidc' } } }],
    ['users[].user.tokenFile', { user: { tokenFile: '/var/run/token' } }],
    ['users[].user.client-certificate', { user: { 'client-certificate': 'a.crt' } }],
    ['users[].user.client-key', { user: { 'client-key': 'a.key' } }],
    ['clusters[].cluster.proxy-url', { cluster: { 'proxy-url': 'http://proxy' } }],
    ['clusters[].cluster.insecure-skip-tls-verify', { cluster: { 'insecure-skip-tls-verify': true } }],
    ['clusters[].cluster.certificate-authority', { cluster: { 'certificate-authority': '/etc/ca.crt' } }],
    ['clusters[].cluster.certificate-authority-data', { cluster: { 'certificate-authority-data': base64('none') } }],
    [
      'clusters[].cluster.certificate-authority-data',
      { cluster: { 'certificate-authority-data': base64(pem.replace(/MII/, 'AAA')) } },
    ],
    ['clusters[].cluster.tls-server-name', { cluster: { 'tls-server-name': 'a b' } }],
    ['clusters[].cluster.server', { cluster: { server: 'http://kcp.example.com' } }],
    ['clusters[].cluster.server', { cluster: { server: 'kcp.example.com' } }],
    ['clusters[].cluster.server', { cluster: { server: 'https://user:password@kcp.example.com' } }],
    ['clusters[].cluster.server', { cluster: { server: `${HOST}/?token=abc` } }],
    ['clusters[].cluster.server', { cluster: { server: `${HOST}/api` } }],
    ['clusters[].cluster.server', { cluster: { server: `${HOST}/clusters/*` } }],
    ['clusters[].cluster.server', { cluster: { server: '' } }],
    ['clusters[].cluster.server', { cluster: { server: `https://${'a.'.repeat(124)}example.com` } }],
    ['current-context', { root: { 'current-context': '' } }],
    ['contexts', { root: { 'current-context': 'other' } }],
    ['contexts', { root: { contexts: null } }],
    ['clusters', { root: { clusters: [] } }],
    ['users', { root: { users: [] } }],
  ])('%s: %j', (field, change) => {
    const error = errorOf(source(change));
    expect(error.field).toBe(field);
    expect(error.message.startsWith(`${field} `)).toBe(true);
  });

  test.each([
    ['not YAML', 'a: b: c: [', 'the kubeconfig is not valid YAML'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'the kubeconfig is not valid YAML'],
    ['a key twice', 'a: 1\na: 2\n', 'the kubeconfig is not valid YAML'],
    ['a key twice further down', 'a:\n  - {b: 1, c: 2, b: 3}\n', 'the kubeconfig is not valid YAML'],
    ['a key that is a list', '? [a, b]\n: 1\n', 'the kubeconfig is not valid YAML'],
    ['merged aliases', '%YAML 1.1\n---\na: &a {b: 1}\nc: {<<: *a}\n', 'the kubeconfig is not valid YAML'],
    ['aliases, which could expand without end', 'a: &a [1]\nb: *a\n', 'the kubeconfig is not valid YAML'],
    ['a string', 'hello', 'the kubeconfig is not a YAML mapping'],
    ['nothing', '', 'the kubeconfig is not a YAML mapping'],
    ['too much', `a: ${'x'.repeat(1024 * 1024)}`, 'the kubeconfig is larger than 1 MiB'],
  ])('%s', (_, text, message) => {
    expect(errorOf(text)).toMatchObject({ field: '', message });
  });
});

test.each([
  ['mapping', (keys: string[]) => `x: {${keys.join()}}\n`],
  ['ordered mapping', (keys: string[]) => `x: !!omap [${keys.map((key) => `${key}: 1`).join()}]\n`],
])('as many keys of a %s as fit cost no more than their length', (_, write) => {
  const keys = (count: number): string => write(Array.from({ length: count }, (__, index) => `k${index}`));
  // The least of some, since a busy machine lets any one of them wait.
  const took = (text: string): number =>
    Math.min(
      ...[1, 2, 3].map(() => {
        const start = performance.now();
        copyKubeconfig(text);
        return performance.now() - start;
      }),
    );
  took(source() + keys(500));
  // 16 times as many: comparing each with each would take 256 times as long.
  expect(took(source() + keys(16_000))).toBeLessThan(80 * Math.max(5, took(source() + keys(1_000))));
});

describe('renders a kubeconfig', () => {
  const copy = { server: HOST, workspace: 'root:acme', caData, tlsServerName: 'front-proxy.kcp.svc' };

  test('that says the same, with an empty user', () => {
    const rendered = renderKubeconfig(copy);
    expect(copyKubeconfig(rendered)).toEqual(copy);
    expect((parse(rendered) as { users: unknown }).users).toEqual([{ name: 'caller', user: {} }]);
  });

  test('that names a workspace in any case', () => {
    expect(copyKubeconfig(renderKubeconfig({ server: HOST }))).toEqual({ server: HOST, workspace: 'root' });
  });

  test('that the runtime reads', () => {
    expect(parseKubeconfig(renderKubeconfig(copy))).toMatchObject({
      origin: HOST,
      serverName: 'front-proxy.kcp.svc',
      ca: expect.stringContaining('BEGIN CERTIFICATE') as unknown,
    });
  });
});

test('the checksum changes with the copy and only with it', () => {
  const copy = copyKubeconfig(source());
  const other = copyKubeconfig(source({ user: { token: 'another' } }));
  expect(kubeconfigSha256(copy)).toMatch(/^[0-9a-f]{64}$/);
  expect(kubeconfigSha256(other)).toBe(kubeconfigSha256(copy));
  expect(kubeconfigSha256({ ...copy, server: 'https://other.example.com' })).not.toBe(kubeconfigSha256(copy));
});

test('no credential of the source is ever in the copy or in an error', () => {
  // A prefix that occurs nowhere else, so that a hit is a leak and no coincidence.
  const secret = fc.string({ minLength: 4, unit: 'grapheme-ascii' }).map((text) => `zq7${text}`);
  const secrets = fc.record(
    {
      token: secret,
      username: secret,
      password: secret,
      'client-certificate-data': secret.map(base64),
      'client-key-data': secret.map(base64),
      as: secret,
      'as-uid': secret,
      unknown: secret,
    },
    { requiredKeys: [] },
  );
  const cluster = fc.record(
    {
      server: fc.oneof(
        secret.map((each) => `https://u:${encodeURIComponent(each)}@kcp.example.com`),
        secret.map((each) => `https://kcp.example.com/clusters/root?t=${encodeURIComponent(each)}`),
        fc.constant(HOST),
      ),
      extensions: fc.array(fc.record({ name: secret, extension: secret })),
      'certificate-authority-data': secret.map((each) => base64(`${each}\n${pem}\n${each}`)),
    },
    { requiredKeys: [] },
  );
  // Truncated, it isn't YAML any more.
  const length = fc.option(fc.nat(2000), { nil: undefined });
  fc.assert(
    fc.property(secrets, cluster, length, (user, clusterFields, end) => {
      const text = source({ user, cluster: clusterFields }).slice(0, end);
      let output: string;
      try {
        output = renderKubeconfig(copyKubeconfig(text));
      } catch (error) {
        if (!(error instanceof KubeconfigError)) throw error;
        output = `${error.message} ${error.field}`;
      }
      const decoded = output.replaceAll(/[A-Za-z0-9+/=]{16,}/g, (data) => Buffer.from(data, 'base64').toString());
      for (const each of Object.values(user)) expect(output).not.toContain(each);
      expect(output + decoded).not.toContain('zq7');
    }),
  );
});
