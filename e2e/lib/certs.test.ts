import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCA, issueCertificate, requestConfig } from './certs.ts';
import type { CertificateAuthority } from './certs.ts';

let dir: string;
let ca: CertificateAuthority;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kcp-mcp-certs-'));
  ca = await createCA(dir, 'ca', 'test CA');
});

afterAll(() => rm(dir, { recursive: true }));

const read = async (file: string) => new X509Certificate(await readFile(file));

test('a CA can sign and is its own issuer', async () => {
  const certificate = await read(ca.certFile);
  expect(certificate.ca).toBe(true);
  expect(certificate.subject).toBe('CN=test CA');
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});

test('a leaf is signed by its CA for its names and addresses, with its own key', async () => {
  const hosts = ['localhost', 'mcp.example.com', '10.244.0.1', '::1'];
  const files = await issueCertificate(ca, { dir, name: 'leaf', commonName: 'leaf', organizations: ['a', 'b'], hosts });
  const leaf = await read(files.certFile);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify((await read(ca.certFile)).publicKey)).toBe(true);
  expect(leaf.subject.split('\n')).toEqual(['O=a', 'O=b', 'CN=leaf']);
  expect(leaf.checkHost('mcp.example.com')).toBe('mcp.example.com');
  expect(leaf.checkIP('10.244.0.1')).toBe('10.244.0.1');
  expect(leaf.checkHost('other.example.com')).toBeUndefined();
  expect(leaf.checkPrivateKey(createPrivateKey(await readFile(files.keyFile)))).toBe(true);
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

test('a certificate without names is no server’s', async () => {
  const files = await issueCertificate(ca, { dir, name: 'client', commonName: 'alice' });
  expect((await read(files.certFile)).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});

test('two certificates have different serial numbers', async () => {
  const issue = async (name: string) => read((await issueCertificate(ca, { dir, name, commonName: name })).certFile);
  const [one, two] = [await issue('one'), await issue('two')];
  expect(one.serialNumber).not.toBe(two.serialNumber);
});

test('keys are readable by their owner only, and nothing else is left', async () => {
  expect((await stat(ca.keyFile)).mode & 0o777).toBe(0o600);
  expect((await readdir(dir)).filter((file) => !/\.(crt|key)$/.test(file))).toEqual([]);
});

test.each(['a\nbasicConstraints = CA:TRUE', '$ENV::HOME', 'a\\b'])(
  'refuses a name that would be read as configuration: %j',
  (commonName) => {
    expect(() => requestConfig({ commonName })).toThrow('not fit for a certificate');
  },
);
