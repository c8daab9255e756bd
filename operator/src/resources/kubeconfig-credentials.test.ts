import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
// The other side of the contract.
import { parseIdentityKubeconfig, parseKubeconfig } from '../../../mcp-runtime/src/kcp/kubeconfig.ts';
import { copyKubeconfig, KubeconfigError, kubeconfigSha256, renderKubeconfig } from './kubeconfig-copy.ts';

type Fields = Record<string, unknown>;

const base64 = (text: string) => Buffer.from(text).toString('base64');

let dir: string;
let [certificate, key, otherKey] = ['', '', ''];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'credentials-'));
  const ca = await createCA(dir, 'ca', 'test CA');
  const pair = async (name: string) => {
    const { certFile, keyFile } = await issueCertificate(ca, { dir, name, commonName: name });
    return [await readFile(certFile, 'utf8'), await readFile(keyFile, 'utf8')] as const;
  };
  [certificate, key] = await pair('shared');
  [, otherKey] = await pair('other');
});
afterAll(() => rm(dir, { recursive: true }));

const source = (user: Fields) =>
  stringify({
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'kcp-mcp' } }],
    clusters: [{ name: 'x', cluster: { server: 'https://kcp.example.com:6443' } }],
    users: [
      { name: 'somebody else', user: { token: 'not-ours' } },
      { name: 'kcp-mcp', user },
    ],
  });
const copy = (user: Fields) => copyKubeconfig(source(user), { credentials: true });
const pair = (change: Fields = {}): Fields => ({
  'client-certificate-data': base64(certificate),
  'client-key-data': base64(key),
  ...change,
});

describe('copies', () => {
  test('certificate and key, and nothing else that stands in their files', () => {
    const user = pair({
      'client-certificate-data': base64(`Subject: shared\n${certificate}${otherKey}`),
      'client-key-data': base64(`# comment\n${key}trailing`),
      extensions: [{ name: 'x', extension: 'note' }],
      token: '',
    });
    const copied = copy(user);
    expect(copied.credentials).toEqual({ certificateData: base64(certificate), keyData: base64(key) });
    expect(parseIdentityKubeconfig(renderKubeconfig(copied)).identity.certificate).toEqual({
      cert: certificate.trim(),
      key,
    });
  });

  test('a token', () => {
    const rendered = renderKubeconfig(copy({ token: 'abc.def-1' }));
    expect(parseIdentityKubeconfig(rendered).identity.token).toBe('abc.def-1');
    expect((parse(rendered) as { users: unknown }).users).toEqual([{ name: 'shared', user: { token: 'abc.def-1' } }]);
  });

  test('none of them where they are not asked for', () => {
    const rendered = renderKubeconfig(copyKubeconfig(source(pair())));
    expect(rendered).not.toMatch(/client-|token/);
    expect(() => parseKubeconfig(rendered)).not.toThrow();
  });
});

describe('refuses, naming the field and no value', () => {
  const SECRET = 'hunter2-hunter2';
  test.each<[string, () => Fields, string]>([
    [
      'no credentials',
      () => ({}),
      'users[].user has no credentials: mode Kubeconfig copies client-certificate-data with',
    ],
    ['a program', () => ({ exec: { command: SECRET } }), 'users[].user.exec is not supported'],
    ['an auth provider', () => ({ 'auth-provider': { name: SECRET } }), 'users[].user.auth-provider is not supported'],
    ['files', () => ({ 'client-certificate': SECRET }), 'users[].user.client-certificate is not supported'],
    ['a file with a token', () => ({ tokenFile: SECRET }), 'users[].user.tokenFile is not supported'],
    ['a password', () => ({ username: 'a', password: SECRET }), 'users[].user.username is not supported'],
    ['somebody else on top', () => pair({ as: SECRET }), 'users[].user.as is not supported'],
    ['a secret for a name', () => ({ [SECRET]: 'x' }), 'users[].user.… is not supported'],
    ['a token beside a certificate', () => pair({ token: SECRET }), 'users[].user.token stands beside'],
    ['a token that is none', () => ({ token: `${SECRET}\n` }), 'users[].user.token is not a bearer token'],
    ['no key', () => pair({ 'client-key-data': '' }), 'users[].user.client-key-data is missing'],
    [
      'no certificate',
      () => pair({ 'client-certificate-data': null }),
      'users[].user.client-certificate-data is missing',
    ],
    [
      'a broken certificate',
      () => pair({ 'client-certificate-data': base64(SECRET) }),
      'client-certificate-data holds no',
    ],
    ['a broken key', () => pair({ 'client-key-data': base64(SECRET) }), 'client-key-data holds no PEM private key'],
    ['the key of another', () => pair({ 'client-key-data': base64(otherKey) }), 'is not the key of client-certificate'],
    [
      'a key that takes a password',
      () => {
        const cipher = { cipher: 'aes-256-cbc', passphrase: SECRET, type: 'pkcs8', format: 'pem' } as const;
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        return pair({ 'client-key-data': base64(privateKey.export(cipher)) });
      },
      'client-key-data holds no PEM private key that is not encrypted',
    ],
  ])('%s', (_, user, message) => {
    expect(() => copy(user())).toThrow(KubeconfigError);
    expect(() => copy(user())).toThrow(message);
    expect(() => copy(user())).not.toThrow(SECRET);
  });
});

describe('the hash that everybody may see', () => {
  test('says nothing of token and key', () => {
    expect(kubeconfigSha256(copy({ token: 'one' }))).toBe(kubeconfigSha256(copy({ token: 'two' })));
    const copied = copy(pair());
    const { credentials } = copied;
    const withOtherKey = { ...copied, credentials: { ...(credentials as { certificateData: string }), keyData: '' } };
    expect(kubeconfigSha256(withOtherKey)).toBe(kubeconfigSha256(copied));
  });

  test('is another one for another certificate, or none', () => {
    const copied = copy(pair());
    const other = { ...copied, credentials: { certificateData: 'b3RoZXI=', keyData: '' } };
    const hashes = [copied, other, copyKubeconfig(source(pair()))].map(kubeconfigSha256);
    expect(new Set(hashes).size).toBe(3);
  });
});
