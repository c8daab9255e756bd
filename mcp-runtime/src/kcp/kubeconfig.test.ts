import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { inspect } from 'node:util';
import { stringify } from 'yaml';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import { KubeconfigError, parseIdentityKubeconfig, parseKubeconfig } from './kubeconfig.ts';

const PEM = rootCertificates[0] ?? '';
const CA = Buffer.from(PEM).toString('base64');
const SECRET = 'should-never-be-shown';

function kubeconfig(cluster: object = {}, user: object = {}, rest: object = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'default',
    contexts: [
      { name: 'base', context: { cluster: 'base', user: 'me' } },
      { name: 'default', context: { cluster: 'default', user: 'me' } },
    ],
    clusters: [
      { name: 'base', cluster: { server: 'https://other:6443' } },
      {
        name: 'default',
        cluster: { server: 'https://kcp.example.com:6443/clusters/root', 'certificate-authority-data': CA, ...cluster },
      },
    ],
    users: [{ name: 'me', user }],
    ...rest,
  });
}

function messageOf(text: string, parse: (text: string) => unknown = parseKubeconfig): string {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(KubeconfigError);
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

describe('parseKubeconfig', () => {
  test('takes server, CA and tls-server-name of the current context', () => {
    expect(parseKubeconfig(kubeconfig({ 'tls-server-name': 'kcp.internal' }))).toEqual({
      origin: 'https://kcp.example.com:6443',
      host: 'kcp.example.com:6443',
      workspace: 'root',
      ca: PEM.trim(),
      serverName: 'kcp.internal',
      basePath: '',
    });
  });

  test.each([
    ['https://rancher.example.com/k8s/clusters/c-m-abc/', '/k8s/clusters/c-m-abc'],
    ['https://kcp.example.com/clusters/root:acme', '/clusters/root:acme'],
    ['https://kubernetes.example.com:6443', ''],
  ])('a plain cluster keeps the path of %s', (server, basePath) => {
    expect(parseKubeconfig(kubeconfig({ server }), { plain: true })).toMatchObject({ basePath, workspace: undefined });
  });

  test.each([
    ['https://kcp.example.com', 'https://kcp.example.com', 'kcp.example.com:443', undefined],
    ['https://kcp.example.com/', 'https://kcp.example.com', 'kcp.example.com:443', undefined],
    ['https://[::1]:6443/clusters/root:acme/', 'https://[::1]:6443', '[::1]:6443', 'root:acme'],
  ])('server %s', (server, origin, host, workspace) => {
    expect(parseKubeconfig(kubeconfig({ server }))).toMatchObject({ origin, host, workspace });
  });

  test('accepts JSON, and a server without a CA of its own', () => {
    const text = kubeconfig({ 'certificate-authority-data': '' });
    expect(parseKubeconfig(text).ca).toBeUndefined();
  });

  test.each([
    'http://kcp.example.com',
    'kcp.example.com:6443',
    'https://kcp.example.com/services/apiexport',
    'https://kcp.example.com/clusters/root/api',
    'https://kcp.example.com/clusters/%2e%2e%2f',
    'https://kcp.example.com/clusters/%2a',
    'https://u:p@kcp.example.com',
    'https://kcp.example.com?x=1',
    '',
  ])('refuses the server %j', (server) => {
    expect(messageOf(kubeconfig({ server }))).toContain('server');
  });

  test.each([
    ['insecure-skip-tls-verify', true],
    ['proxy-url', 'http://proxy'],
    ['certificate-authority', '/etc/ca.crt'],
    ['something-new', SECRET],
  ])('refuses the cluster field %s by name', (field, value) => {
    const message = messageOf(kubeconfig({ [field]: value }));
    expect(message).toContain(`${field} is not accepted`);
    expect(message).not.toContain(SECRET);
  });

  test.each([
    ['exec', { command: 'sh' }],
    ['auth-provider', { name: 'oidc' }],
    ['client-certificate', '/etc/tls.crt'],
    ['client-certificate-data', SECRET],
    ['client-key', '/etc/tls.key'],
    ['client-key-data', SECRET],
    ['token', SECRET],
    ['tokenFile', '/var/token'],
    ['username', 'admin'],
    ['password', SECRET],
    ['as', 'admin'],
  ])('refuses the user field %s by name', (field, value) => {
    const message = messageOf(kubeconfig({}, { [field]: value }));
    expect(message).toContain(`${field} is not accepted`);
    expect(message).not.toContain(SECRET);
  });

  test('insecure-skip-tls-verify: false says what is so anyway', () => {
    expect(parseKubeconfig(kubeconfig({ 'insecure-skip-tls-verify': false })).host).toBe('kcp.example.com:6443');
  });

  test.each([
    ['nothing', '', 'empty'],
    ['a list', '- a', 'not a mapping'],
    ['broken YAML', 'a: [1,\nb: {', 'line 2'],
    ['a key twice', 'kind: Config\nkind: Config\n', 'YAML'],
    ['another kind', 'kind: Secret\n', 'kind'],
    ['aliases', 'kind: Config\na: &a [1]\nb: *a\ncurrent-context: x\n', 'aliases'],
    ['no current context', kubeconfig({}, {}, { 'current-context': '' }), 'current-context'],
    ['an unknown context', kubeconfig({}, {}, { 'current-context': 'nope' }), '"nope"'],
    ['no such cluster', kubeconfig({}, {}, { clusters: [] }), '"default"'],
    ['a CA that is none', kubeconfig({ 'certificate-authority-data': 'aGVsbG8=' }), 'certificate-authority-data'],
    ['too much', `#${'x'.repeat(2 ** 20)}`, '1 MiB'],
  ])('refuses %s', (_, text, part) => {
    expect(messageOf(text)).toContain(part);
  });

  test('a broken certificate is refused without showing it', () => {
    const broken = Buffer.from(PEM.replace(/\n.{10}/, `\n${'A'.repeat(10)}`)).toString('base64');
    expect(messageOf(kubeconfig({ 'certificate-authority-data': broken }))).toContain('cannot be read');
  });
});

describe('parseIdentityKubeconfig', () => {
  let dir: string;
  let pair: { 'client-certificate-data': string; 'client-key-data': string };
  let other: typeof pair;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'identity-'));
    const ca = await createCA(dir, 'ca', 'clients');
    const issue = async (name: string) => {
      const files = await issueCertificate(ca, { dir, name, commonName: name });
      return {
        'client-certificate-data': (await readFile(files.certFile)).toString('base64'),
        'client-key-data': (await readFile(files.keyFile)).toString('base64'),
      };
    };
    [pair, other] = await Promise.all([issue('index'), issue('other')]);
  });
  afterAll(() => rm(dir, { recursive: true }));

  const refusal = (user: object, rest: object = {}) => messageOf(kubeconfig({}, user, rest), parseIdentityKubeconfig);

  test('takes a client certificate with its key', () => {
    const { endpoint, identity } = parseIdentityKubeconfig(kubeconfig({}, pair));
    expect(endpoint).toMatchObject({ origin: 'https://kcp.example.com:6443', ca: PEM.trim() });
    expect(identity.certificate?.cert).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(identity.certificate?.key).toMatch(/^-----BEGIN (EC )?PRIVATE KEY-----/);
    expect(identity.token).toBeUndefined();
  });

  test('takes a token', () => {
    expect(parseIdentityKubeconfig(kubeconfig({}, { token: 'a.b-c_d~e+f/g==' })).identity.token).toBe(
      'a.b-c_d~e+f/g==',
    );
  });

  test('shows nothing of it where objects are shown', () => {
    const parsed = parseIdentityKubeconfig(kubeconfig({}, { token: SECRET }));
    expect(
      JSON.stringify(parsed) + inspect(parsed, { depth: 9 }) + JSON.stringify({ ...parsed.identity }),
    ).not.toContain(SECRET);
  });

  test.each([
    ['exec', { command: 'sh' }],
    ['auth-provider', { name: 'oidc' }],
    ['client-certificate', '/etc/tls.crt'],
    ['client-key', '/etc/tls.key'],
    ['tokenFile', '/var/token'],
    ['username', 'admin'],
    ['password', SECRET],
    ['as', 'admin'],
    ['as-groups', ['system:masters']],
  ])('refuses the user field %s by name', (field, value) => {
    const message = refusal({ token: 'x', [field]: value });
    expect(message).toContain(`user "me": ${field} is not accepted: credentials stand in the file itself`);
    expect(message).not.toContain(SECRET);
  });

  test('refuses what is no identity, or two, or half of one, and shows none of it', () => {
    const { 'client-certificate-data': certificate, 'client-key-data': key } = pair;
    expect(refusal({})).toContain('user "me" has no credentials');
    expect(refusal({ ...pair, token: SECRET })).toMatch(/has a client certificate and a token: keep the one/);
    expect(refusal({ 'client-certificate-data': certificate })).toMatch(/client-key-data is missing/);
    expect(refusal({ 'client-key-data': key })).toMatch(/client-certificate-data is missing/);
    expect(refusal({ ...pair, 'client-key-data': other['client-key-data'] })).toMatch(/is not the key of/);
    expect(refusal({ ...pair, 'client-key-data': 'bm90IGEga2V5' })).toMatch(/holds no PEM private key/);
    expect(refusal({ ...pair, 'client-certificate-data': 'bm8=' })).toMatch(/client-certificate-data holds no PEM/);
    for (const token of [`${SECRET}\nx: y`, `${SECRET} x`]) {
      expect(refusal({ token })).toBe('user "me": token is not a bearer token');
    }
    expect(refusal({}, { contexts: [{ name: 'default', context: { cluster: 'default' } }] })).toMatch(/names no user/);
    expect(refusal({}, { users: [] })).toContain('user "me" has no credentials');
  });

  test('is as strict about the cluster', () => {
    const text = kubeconfig({ 'insecure-skip-tls-verify': true }, { token: 'x' });
    expect(messageOf(text, parseIdentityKubeconfig)).toContain('insecure-skip-tls-verify is not accepted');
  });
});
