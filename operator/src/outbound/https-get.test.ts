import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { isLocal, resolve, type HostAlias } from './addresses.ts';
import type { OutboundErrorKind } from './errors.ts';
import { httpsGet, type Trust } from './https-get.ts';
import { startHttpsServer, type HttpsServer } from './testing/https-server.ts';

const HOST = 'idp.example.com';
const OTHER = 'other.example.com';
const aliases: HostAlias[] = [{ ip: '127.0.0.1', hostnames: [HOST, OTHER] }];
const forever = new AbortController().signal;

let server: HttpsServer;
let trust: Trust;
beforeAll(async () => {
  server = await startHttpsServer([HOST, '127.0.0.1']);
  trust = { ca: server.ca, aliases, allowLocal: true };
  server.answer('/', 'hello');
  server.answer('/large', (_, response) => response.end('x'.repeat(1024 * 1024 + 1)));
  server.answer('/just-right', (_, response) => response.end('x'.repeat(1024 * 1024)));
  server.answer('/moved', (_, response) => response.writeHead(301, { location: '/' }).end());
  server.answer('/silent', () => undefined);
  server.answer('/stuck', (_, response) => response.write('x'));
  server.answer('/cut', (_, response) => response.destroy());
});
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
});

const get = (path: string, change: Partial<Trust> = {}, host = HOST) =>
  httpsGet(new URL(`https://${host}:${server.port}${path}`), { ...trust, ...change }, forever);

/** A port that nobody listens at. */
async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

test('gets what is there, whatever its status, and up to 1 MiB', async () => {
  expect(await get('/')).toEqual({ status: 200, body: 'hello' });
  expect(await get('/nothing')).toEqual({ status: 404, body: '' });
  expect((await get('/just-right')).body).toHaveLength(1024 * 1024);
  expect(await get('/', {}, '127.0.0.1')).toEqual({ status: 200, body: 'hello' });
});

test('a name of its own for the certificate counts in place of the host', async () => {
  expect((await get('/', { serverName: HOST }, OTHER)).body).toBe('hello');
  expect((await get('/', { serverName: '127.0.0.1' }, OTHER)).body).toBe('hello');
  await expect(get('/', { serverName: OTHER })).rejects.toMatchObject({ kind: 'certificate' });
});

describe('what isn’t taken', () => {
  test.each<[string, OutboundErrorKind, () => Promise<unknown>, string]>([
    ['plain HTTP', 'protocol', () => httpsGet(new URL('http://idp.example.com'), trust, forever), ''],
    ['a redirect', 'redirect', () => get('/moved'), '(301)'],
    ['more than 1 MiB', 'size', () => get('/large'), '1 MiB'],
    ['no answer', 'timeout', () => get('/silent', { timeoutMs: 50 }), 'in time'],
    ['an answer without an end', 'timeout', () => get('/stuck', { timeoutMs: 200 }), 'in time'],
    ['a broken connection', 'network', () => get('/cut'), 'ECONNRESET'],
    ['a CA that isn’t trusted', 'certificate', () => get('/', { ca: undefined }), 'is not trusted'],
    ['a certificate for others', 'certificate', () => get('/', {}, OTHER), 'made out to other names'],
    ['a name without an address', 'dns', () => get('/', {}, 'nowhere.invalid'), "nowhere.invalid can't be resolved"],
    [
      'nobody there',
      'refused',
      async () => httpsGet(new URL(`https://${HOST}:${await closedPort()}`), trust, forever),
      'refuses connections',
    ],
  ])('%s: %s', async (_, kind, act, says) => {
    const error: unknown = await act().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'OutboundError', kind });
    expect((error as Error).message).toContain(says);
  });

  test('a redirect is not followed', async () => {
    await get('/moved').catch(() => undefined);
    expect(server.requests).toEqual(['/moved']);
  });
});

describe('local addresses', () => {
  test.each(['idp.example.com', 'localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0'])(
    '%s isn’t even connected to unless that is allowed',
    async (host) => {
      const before = server.connections();
      await expect(get('/', { allowLocal: false }, host)).rejects.toMatchObject({ kind: 'address' });
      expect(server.connections()).toBe(before);
    },
  );

  test.each([
    ['127.8.9.10', true],
    ['169.254.169.254', true],
    ['0.0.0.0', true],
    ['::', true],
    ['fe80::1', true],
    ['::ffff:169.254.169.254', true],
    ['64:ff9b::169.254.169.254', true],
    ['fd00:ec2::254', true],
    ['224.0.0.1', true],
    ['10.0.0.1', false],
    ['172.16.0.1', false],
    ['192.168.1.1', false],
    ['fd12::1', false],
    ['203.0.113.7', false],
    ['2001:db8::1', false],
  ])('%s: %s', (address, expected) => {
    expect(isLocal(address)).toBe(expected);
  });

  test('of several addresses of a host only the others are used', async () => {
    const both = [
      ...aliases,
      { ip: '192.0.2.1', hostnames: [HOST.toUpperCase()] },
      { ip: 'nonsense', hostnames: [HOST] },
    ];
    expect(await resolve(HOST, { aliases: both, allowLocal: false })).toEqual([{ address: '192.0.2.1', family: 4 }]);
  });
});
