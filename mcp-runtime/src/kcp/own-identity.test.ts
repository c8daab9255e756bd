// Requests of a client that has an identity of its own (`cluster_auth_mode = "kubeconfig"`).
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createCA, issueCertificate, type CertificateAuthority } from '../../../e2e/lib/certs.ts';
import { answerCommands, SUCCESS, type FakeExec } from '../testing/fake-exec.ts';
import { createKcpClient, type KcpClient } from './client.ts';

interface Seen {
  readonly authorization: string | undefined;
  /** Common name of the client certificate. */
  readonly certificate: string | undefined;
}

const CALLERS = 'token-of-the-caller';
const REQUEST = { workspace: 'root', path: '/version', token: CALLERS };

let dir: string;
let ca: CertificateAuthority;
let server: Server;
let commands: FakeExec;
const seen: Seen[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'identity-'));
  ca = await createCA(dir, 'ca', 'test CA');
  const files = await issueCertificate(ca, { dir, name: 'kcp', commonName: 'kcp', hosts: ['127.0.0.1'] });
  const [cert, key, trusted] = await Promise.all(
    [files.certFile, files.keyFile, ca.certFile].map((file) => readFile(file)),
  );
  server = createServer({ cert, key, ca: trusted, requestCert: true, rejectUnauthorized: true }, (req, res) => {
    note(req);
    res.setHeader('content-type', 'application/json').end('{}');
  });
  server.on('upgrade', note);
  commands = answerCommands(server, () => ({ stdout: 'done', status: SUCCESS }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  commands.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});

function note({ headers, socket }: IncomingMessage): void {
  if (!(socket instanceof TLSSocket)) throw new Error('the connection has no TLS');
  const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } };
  seen.push({ authorization: headers.authorization, certificate: subject?.CN });
}

async function kubeconfig(user: object): Promise<string> {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caData = (await readFile(ca.certFile)).toString('base64');
  const file = join(dir, 'kubeconfig');
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'kcp-mcp' } }],
    clusters: [{ name: 'x', cluster: { server: url, 'certificate-authority-data': caData } }],
    users: [{ name: 'kcp-mcp', user }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function certificateOf(commonName: string): Promise<object> {
  const { certFile, keyFile } = await issueCertificate(ca, { dir, name: commonName, commonName });
  const [cert, key] = await Promise.all([certFile, keyFile].map((file) => readFile(file, 'base64')));
  return { 'client-certificate-data': cert, 'client-key-data': key };
}

async function withClient(user: object, use: (kcp: KcpClient) => Promise<void>): Promise<void> {
  const kcp = createKcpClient({ kubeconfigFile: await kubeconfig(user), ownIdentity: true });
  try {
    await use(kcp);
  } finally {
    await kcp.close();
  }
}

async function askEveryWay(kcp: KcpClient): Promise<void> {
  await kcp.request(REQUEST);
  await kcp.text({ ...REQUEST, keepBytes: 10 });
  expect(await kcp.exec({ ...REQUEST, keepBytes: 10 })).toMatchObject({ stdout: 'done' });
}

test('a client certificate, on every way to kcp; the token of the caller on none', async () => {
  await withClient(await certificateOf('shared'), async (kcp) => {
    expect(kcp.identity).toEqual({ name: 'shared', generation: 0 });
    await askEveryWay(kcp);
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ authorization: undefined, certificate: 'shared' })));
    expect(inspect(kcp, { depth: 10, showHidden: false })).not.toContain('PRIVATE KEY');
  });
});

test('a plain cluster, whose API may lie below a path', async () => {
  const text = await readFile(await kubeconfig(await certificateOf('plain')), 'utf8');
  const below = text.replace(/(https:[^"]+)/, '$1/k8s/clusters/c-1');
  const kcp = createKcpClient({ kubeconfig: below, plain: true, ownIdentity: true });
  await kcp.request({ ...REQUEST, workspace: undefined });
  expect(seen).toEqual([{ authorization: undefined, certificate: 'plain' }]);
  await kcp.close();
});

test('another certificate counts from the next request on; what is broken changes nothing', async () => {
  const [first, second] = [await certificateOf('first'), await certificateOf('second')];
  await withClient(first, async (kcp) => {
    await kcp.request(REQUEST);
    await kubeconfig(second);
    expect(await kcp.reload()).toBe(true);
    expect(await kcp.reload()).toBe(false);
    expect(kcp.identity).toEqual({ name: 'second', generation: 1 });
    for (const wrong of [{ exec: { command: 'x' } }, { ...second, token: 'x' }, { tokenFile: '/x' }]) {
      await kubeconfig(wrong);
      await expect(kcp.reload()).rejects.toThrow(/^user "kcp-mcp"/);
    }
    await kcp.request(REQUEST);
    expect(seen.map(({ certificate }) => certificate)).toEqual(['first', 'second']);
  });
});

test('credentials that are taken out of the file are not used any more; those that come back are', async () => {
  const certificate = await certificateOf('lent');
  await withClient(certificate, async (kcp) => {
    await kcp.request(REQUEST);
    await kubeconfig({});
    expect(await kcp.reload()).toBe(true);
    for (const ask of [
      () => kcp.request(REQUEST),
      () => kcp.text({ ...REQUEST, keepBytes: 10 }),
      () => kcp.exec({ ...REQUEST, keepBytes: 10 }),
    ])
      await expect(ask()).rejects.toThrow('This server has no credentials for kcp any more');
    expect(seen).toHaveLength(1);
    await kubeconfig(certificate);
    expect(await kcp.reload()).toBe(true);
    await kcp.request(REQUEST);
    expect(seen).toHaveLength(2);
    expect(kcp.identity).toEqual({ name: 'lent', generation: 1 });
  });
});

test.each([
  ['no credentials', {}, 'has no credentials'],
  ['a program', { exec: { command: 'get-token' } }, 'exec is not accepted'],
  ['an auth provider', { 'auth-provider': { name: 'oidc' } }, 'auth-provider is not accepted'],
  ['files', { 'client-certificate': '/c', 'client-key': '/k' }, 'client-certificate is not accepted'],
  ['a user name', { username: 'a', password: 'b' }, 'username is not accepted'],
  ['somebody else on top', { token: 'x', as: 'admin' }, 'as is not accepted'],
])('%s is refused by name', async (_, user, message) => {
  const kubeconfigFile = await kubeconfig(user);
  expect(() => createKcpClient({ kubeconfigFile, ownIdentity: true })).toThrow(message);
});

test.each([
  [
    'a service account’s token',
    `x.${Buffer.from('{"sub":"system:serviceaccount:a:b"}').toString('base64url')}.y`,
    'system:serviceaccount:a:b',
  ],
  ['another token', 'opaque', 'kcp-mcp'],
])('%s names whom kcp sees', async (_, token, name) => {
  const kcp = createKcpClient({ kubeconfigFile: await kubeconfig({ token }), ownIdentity: true });
  expect(kcp.identity?.name).toBe(name);
  await kcp.close();
});
