import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startFakeKcp, tokenOf } from '../testing/fake-kcp.ts';
import type { FakeKcp } from '../testing/fake-kcp.ts';
import { createKcpClient } from './client.ts';
import type { KcpClient, KcpClientOptions } from './client.ts';
import {
  CancelledError,
  KcpProtocolError,
  KcpStatusError,
  KcpTimeoutError,
  KcpTooLargeError,
  KcpUnreachableError,
} from './errors.ts';

let fake: FakeKcp;
const clients: KcpClient[] = [];
beforeAll(async () => {
  fake = await startFakeKcp();
});
afterEach(async () => {
  // A request that its test gave up may still be on its way.
  fake.dropConnections();
  fake.reset();
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => fake.stop());

function client(options: Partial<KcpClientOptions> = {}): KcpClient {
  const created = createKcpClient({ kubeconfig: fake.kubeconfig, ...options });
  clients.push(created);
  return created;
}

const namespaces = { workspace: 'root:acme:team-a', path: '/api/v1/namespaces', token: tokenOf('alice') };

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not fail');
}

/** Has answers held back for as long as the test wants. */
function holdBack() {
  const [hold, arrival] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  fake.handlers.push(async () => {
    arrival.resolve(undefined);
    await hold.promise;
    return undefined;
  });
  const release = () => {
    hold.resolve(undefined);
  };
  return { arrived: arrival.promise, release };
}

describe('createKcpClient', () => {
  test("sends the caller's token and parses what comes back", async () => {
    const list = await client().request(namespaces);
    expect(list).toMatchObject({ kind: 'NamespaceList' });
    expect(fake.seen).toEqual([
      { user: 'alice', method: 'GET', url: '/clusters/root:acme:team-a/api/v1/namespaces', accept: 'application/json' },
    ]);
  });

  test('connections are kept and shared: once warm, no call needs a handshake, whoever calls', async () => {
    const kcp = client();
    // Two: undici frees the first one a tick after its answer was read.
    const users = ['alice', 'bob'];
    for (const user of users) await kcp.request({ workspace: 'root', path: '/version', token: tokenOf(user) });
    const before = fake.handshakes();
    for (let round = 0; round < 20; round += 1) {
      for (const user of users) await kcp.request({ workspace: 'root', path: '/version', token: tokenOf(user) });
    }
    expect(fake.handshakes()).toBe(before);
    expect(fake.seen.slice(0, 4).map(({ user }) => user)).toEqual(['alice', 'bob', 'alice', 'bob']);
  });

  test('opens no more connections than it may', async () => {
    const kcp = client({ connections: 2 });
    const before = fake.handshakes();
    await Promise.all(Array.from({ length: 10 }, () => kcp.request(namespaces)));
    expect(fake.handshakes() - before).toBe(2);
    expect(fake.seen).toHaveLength(10);
  });

  test('query values are encoded, undefined ones left out', async () => {
    await client().request({ ...namespaces, query: { limit: 5, continue: undefined, labelSelector: 'a in (b, c)&x' } });
    expect(fake.seen[0]?.url).toBe(
      '/clusters/root:acme:team-a/api/v1/namespaces?limit=5&labelSelector=a+in+%28b%2C+c%29%26x',
    );
  });

  test('a call may not bring its own Authorization', async () => {
    await client().request({ ...namespaces, headers: { authorization: `Bearer ${tokenOf('bob')}` } });
    expect(fake.seen[0]?.user).toBe('alice');
  });

  test("kcp's errors carry status and Status, and no token", async () => {
    const error = await failure(client().request({ ...namespaces, workspace: 'root:acme:team-b' }));
    expect(error).toBeInstanceOf(KcpStatusError);
    expect(error).toMatchObject({
      status: 403,
      context: { workspace: 'root:acme:team-b', host: new URL(fake.url).host },
    });
    expect(error.message).toContain('access denied');
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(tokenOf('alice'));
  });

  test('Retry-After is read', async () => {
    fake.handlers.push(() => ({ status: 429, body: 'slow down', headers: { 'retry-after': '3' } }));
    expect(await failure(client().request(namespaces))).toMatchObject({ status: 429, retryAfter: 3, body: undefined });
  });

  test.each([
    ['a redirect', { status: 302, body: '{}', headers: { location: 'https://elsewhere' } }],
    ['HTML', { body: '<html>' }],
  ])('%s is not the Kubernetes API', async (_, answer) => {
    fake.handlers.push(() => answer);
    expect(await failure(client().request(namespaces))).toBeInstanceOf(KcpProtocolError);
    expect(fake.seen).toHaveLength(1);
  });

  test('an answer is read no further than its bound', async () => {
    fake.handlers.push(() => ({ body: JSON.stringify({ text: 'x'.repeat(5000) }) }));
    const kcp = client({ maxResponseBytes: 1000 });
    expect(await failure(kcp.request(namespaces))).toBeInstanceOf(KcpTooLargeError);
    fake.handlers.length = 0;
    await kcp.request({ ...namespaces, path: '/version' });
  });

  test('says when kcp takes too long', async () => {
    const { release } = holdBack();
    const error = await failure(client({ requestTimeoutMs: 50 }).request(namespaces));
    release();
    expect(error).toBeInstanceOf(KcpTimeoutError);
    expect(error.message).toBe(`kcp at ${new URL(fake.url).host} didn't answer within 0.05 s`);
  });

  test('a changed timeout counts from the next request on', async () => {
    const { release } = holdBack();
    let timeoutMs = 60_000;
    const kcp = client({ requestTimeoutMs: () => timeoutMs });
    timeoutMs = 20;
    const error = await failure(kcp.request(namespaces));
    release();
    expect(error).toBeInstanceOf(KcpTimeoutError);
    expect(error.message).toContain("didn't answer within 0.02 s");
  });

  test('a caller that goes away ends the request', async () => {
    const { arrived, release } = holdBack();
    const abort = new AbortController();
    const request = failure(client().request({ ...namespaces, signal: abort.signal }));
    await arrived;
    abort.abort();
    expect(await request).toBeInstanceOf(CancelledError);
    release();
    expect(await failure(client().request({ ...namespaces, signal: abort.signal }))).toBeInstanceOf(CancelledError);
    expect(fake.seen).toHaveLength(1);
  });

  test('one that still waits for a connection ends at once, and is never sent', async () => {
    const { release } = holdBack();
    const kcp = client({ connections: 1 });
    const first = kcp.request(namespaces);
    const abort = new AbortController();
    const second = failure(kcp.request({ ...namespaces, path: '/version', signal: abort.signal }));
    abort.abort();
    expect(await second).toBeInstanceOf(CancelledError);
    release();
    await first;
    await kcp.request(namespaces);
    expect(fake.seen).toHaveLength(2);
  });

  test('a GET on a connection that was closed meanwhile is sent again', async () => {
    const kcp = client();
    await kcp.request(namespaces);
    let first = true;
    fake.handlers.push(() => {
      if (first) fake.dropConnections();
      first = false;
      return undefined;
    });
    await expect(kcp.request(namespaces)).resolves.toMatchObject({ kind: 'NamespaceList' });
    expect(fake.seen).toHaveLength(3);
  });

  test('anything but a GET is sent once', async () => {
    fake.handlers.push(() => {
      fake.dropConnections();
      return undefined;
    });
    const error = await failure(client().request({ ...namespaces, method: 'POST', body: { kind: 'Namespace' } }));
    expect(error).toBeInstanceOf(KcpUnreachableError);
    expect(fake.seen).toHaveLength(1);
  });

  test('names the host that nothing listens on', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const kubeconfig = fake.kubeconfig.replace(fake.url, `https://127.0.0.1:${port}`);
    const error = await failure(client({ kubeconfig }).request(namespaces));
    expect(error.message).toBe(`kcp at 127.0.0.1:${port} can't be reached: ECONNREFUSED`);
  });

  test('trusts the CA of the kubeconfig and nothing else', async () => {
    const kubeconfig = fake.kubeconfig.replace(/"certificate-authority-data":"[^"]+"/, '"tls-server-name":""');
    const error = await failure(client({ kubeconfig }).request(namespaces));
    expect(error).toMatchObject({ code: expect.stringMatching(/CERT|SELF_SIGNED|ISSUER|VERIFY/) as unknown });
    expect(fake.seen).toHaveLength(0);
  });

  test('tls-server-name is the name that the certificate must have', async () => {
    const named = (name: string) => fake.kubeconfig.replace('"server":', `"tls-server-name":"${name}","server":`);
    await client({ kubeconfig: named('kcp.test') }).request(namespaces);
    const error = await failure(client({ kubeconfig: named('other.test') }).request(namespaces));
    expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('the API of a plain cluster may lie below a path', async () => {
    const kubeconfig = fake.kubeconfig.replace('/clusters/root', '/k8s/clusters/c-1');
    const answer = { body: { kind: 'NamespaceList' } };
    fake.handlers.push(({ path }) => (path.startsWith('/k8s/clusters/c-1/') ? answer : undefined));
    const plain = client({ kubeconfig, plain: true });
    await plain.request({ ...namespaces, workspace: undefined });
    await plain.text({ ...namespaces, workspace: undefined, keepBytes: 10 });
    expect(fake.seen.map(({ url }) => url)).toEqual(Array(2).fill('/k8s/clusters/c-1/api/v1/namespaces'));
  });

  test('each request is observed once, with what came of it', async () => {
    const samples: string[] = [];
    const kcp = client({ observe: ({ method, outcome }) => samples.push(`${method} ${outcome}`) });
    await kcp.request(namespaces);
    await failure(kcp.request({ ...namespaces, workspace: 'root:nope' }));
    expect(samples).toEqual(['GET 2xx', 'GET 404']);
  });
});

describe('reload', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kcp-client-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('moves to the new server; requests under way end where they began', async () => {
    const other = await startFakeKcp();
    try {
      const kubeconfigFile = join(dir, 'kubeconfig');
      await writeFile(kubeconfigFile, fake.kubeconfig);
      const kcp = createKcpClient({ kubeconfigFile });
      clients.push(kcp);
      expect(await kcp.reload()).toBe(false);

      const { arrived, release } = holdBack();
      const underWay = kcp.request(namespaces);
      await arrived;
      await writeFile(kubeconfigFile, other.kubeconfig);
      expect(await kcp.reload()).toBe(true);
      expect(kcp.host).toBe(new URL(other.url).host);
      await kcp.request(namespaces);
      expect(other.seen).toHaveLength(1);
      release();
      await expect(underWay).resolves.toMatchObject({ kind: 'NamespaceList' });
    } finally {
      await Promise.all(clients.splice(0).map((used) => used.close()));
      await other.stop();
    }
  });

  test('a file that cannot be used changes nothing', async () => {
    const kubeconfigFile = join(dir, 'broken');
    await writeFile(kubeconfigFile, fake.kubeconfig);
    const kcp = createKcpClient({ kubeconfigFile });
    clients.push(kcp);
    await writeFile(kubeconfigFile, 'kind: Config\n');
    await expect(kcp.reload()).rejects.toThrow('current-context');
    await expect(kcp.request(namespaces)).resolves.toMatchObject({ kind: 'NamespaceList' });
  });
});
