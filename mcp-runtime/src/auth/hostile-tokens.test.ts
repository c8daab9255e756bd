// Every kind of wrong token against the whole runtime: real TLS, a real issuer, and a kcp that must not hear of it.
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK } from 'jose';
import { base64url, compactJws, createForge, type Forge } from '../../../e2e/oidc/forge.ts';
import { refusedTokens } from '../../../e2e/oidc/hostile-tokens.ts';
import { recorded, startFakeKcp, type FakeKcp } from '../testing/fake-kcp.ts';
import { newKey, startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { startTestRuntime, type TestRuntime } from '../testing/runtime.ts';
import { exchange } from '../testing/wire.ts';

const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const HELP = 'https://mcp.example.com/help';
const NOT_BEARER = 'the Authorization header is not "Bearer TOKEN"';

// Made before the tests are declared, for each row is one.
const provider: TestIssuer = await startTestIssuer();
provider.keys = [await newKey('ec', 'ES256'), await newKey('rsa', 'RS256')];
let trapped = 0;
const trap = createServer((socket) => {
  trapped++;
  socket.destroy();
});
await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
const forge: Forge = await createTestForge();
const refused = await refusedTokens(forge);

let kcp: FakeKcp;
let runtime: TestRuntime;
beforeAll(async () => {
  kcp = await startFakeKcp();
  kcp.handlers.push(() => ({ body: recorded('namespaces-list') }));
  runtime = await startTestRuntime(provider, kcp);
});
afterAll(async () => {
  await runtime.stop();
  await kcp.stop();
  await provider.close();
  trap.close();
});

async function createTestForge(): Promise<Forge> {
  const [ec, rsa] = await Promise.all(
    provider.keys.map(async ({ privateKey, publicJwk: { kid, alg } }) => {
      const jwk = await exportJWK(privateKey);
      return { ...jwk, kid: kid ?? '', alg: alg ?? '' };
    }),
  );
  if (ec === undefined || rsa === undefined) throw new Error('the issuer lacks a key');
  const address = trap.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return createForge({ issuerURL: provider.url, audience: 'platform-mesh', scopes: [], rsa, ec, trapURL: `https://127.0.0.1:${port}` }); // prettier-ignore
}

/** The caller after a refused one is served, and only that caller has reached kcp. */
async function expectNextCallServed(token = forge.token()): Promise<void> {
  const before = kcp.seen.length;
  const response = await runtime.post({ authorization: `Bearer ${token}` });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('kube-system')]);
  expect(kcp.seen.length).toBe(before + 1);
}

/** Nothing of the credentials stands in a text: neither the whole nor one of its parts. */
function expectNothingOf(credentials: string, text: string): void {
  for (const part of credentials.split(/[\s.]/).filter((piece) => piece.length > 8)) {
    if (text.includes(part)) throw new Error(`a part of the token is in: ${text.slice(0, 1000)}`);
  }
}

async function expectRefused(authorization: string, says: string): Promise<void> {
  const before = { kcp: kcp.seen.length, trapped, discovery: provider.requests.discovery };
  const response = await runtime.post({ authorization });
  const body = await response.text();
  const challenge = response.headers.get('www-authenticate') ?? '';
  expect({ status: response.status, challenge, body: body.slice(0, 500) }).toEqual({
    status: 401,
    challenge: `Bearer resource_metadata="${METADATA}", error="invalid_token", error_description="${says.replaceAll('"', String.raw`\"`)}"`,
    body: JSON.stringify({ error: 'invalid_token', error_description: says, error_uri: HELP }),
  });
  expectNothingOf(authorization, challenge + body + runtime.logged.text());
  expect(kcp.seen.length).toBe(before.kcp);
  expect(trapped).toBe(before.trapped);
}

describe('a token is refused with a challenge that names the cause', () => {
  test.each(refused)('%s', async (_, token, says) => {
    await expectRefused(`Bearer ${token}`, says);
    await expectNextCallServed();
  });

  test('keys were fetched once for all the unknown ones', () => {
    expect(provider.requests.keys).toBe(2);
  });
});

describe('the Authorization header', () => {
  const good = () => forge.token();
  test.each<[string, (token: string) => string]>([
    ['two tokens in one header', (token) => `Bearer ${token}, Bearer ${token}`],
    ['two tokens after one scheme', (token) => `Bearer ${token} ${token}`],
    ['a token list', (token) => `Bearer ${token},${token}`],
    ['no token', () => 'Bearer'],
    ['a tab before the token', (token) => `Bearer\t${token}`],
    ['a tab in the token', (token) => `Bearer ${token.slice(0, 20)}\t${token.slice(20)}`],
    ['quotes', (token) => `Bearer "${token}"`],
    ['parameters', (token) => `Bearer token="${token}"`],
    ['JSON', () => `Bearer ${JSON.stringify({ payload: 'a', protected: 'b', signature: 'c' })}`],
    ['letters beyond ASCII', (token) => `Bearer ${token}\u00e9`],
    ['percent-encoding', (token) => `Bearer ${token.replaceAll('.', '%2E')}`],
  ])('with %s is refused', async (_, make) => {
    await expectRefused(make(good()), NOT_BEARER);
    await expectNextCallServed();
  });

  test.each<[string, (token: string) => Record<string, string>]>([
    ['of another scheme', (token) => ({ authorization: `DPoP ${token}` })],
    ['without a scheme', (token) => ({ authorization: token })],
    ['that is empty', () => ({ authorization: '' })],
    ['of a proxy', (token) => ({ 'proxy-authorization': `Bearer ${token}` })],
    ['by another name', (token) => ({ 'x-forwarded-authorization': `Bearer ${token}`, 'x-access-token': token })],
    ['in a cookie', (token) => ({ cookie: `access_token=${token}; Authorization=Bearer ${token}` })],
  ])('%s is none', async (_, make) => {
    await expectNone(make(good()));
  });

  // RFC 6750 §2.2 and §2.3; the metadata says bearer_methods_supported: header.
  test('has the only token that counts: not the body', async () => {
    const body = new URLSearchParams({ access_token: good() }).toString();
    await expectNone({ 'content-type': 'application/x-www-form-urlencoded' }, body);
    await expectNone({}, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', access_token: good() }));
  });

  test('has the only token that counts: not the query', async () => {
    const token = good();
    const { statuses, text } = await send(`POST /mcp?access_token=${token} HTTP/1.1`, [`Connection: close`]);
    expect(statuses).toEqual([401]);
    expect(text).not.toContain('error=');
    expectNothingOf(token, text + runtime.logged.text());
  });

  test('comes once', async () => {
    const token = good();
    const twice = [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`];
    const { statuses, text } = await send('POST /mcp HTTP/1.1', [...twice, 'Connection: close']);
    expect(statuses).toEqual([400]);
    expect(text).toContain('header authorization was sent more than once');
    expectNothingOf(token, text + runtime.logged.text());
    await expectNextCallServed();
  });

  test.each([
    ['of 17 KiB', 17 * 1024, 401, 'the token is longer than 16384 characters'],
    ['of 33 KiB', 33 * 1024, 431, '431 Request Header Fields Too Large'],
  ])('%s', async (_, length, status, says) => {
    const token = `${base64url({ alg: 'ES256' })}.${'a'.repeat(length)}.b`;
    const { statuses, text } = await send('POST /mcp HTTP/1.1', [
      `Authorization: Bearer ${token}`,
      'Connection: close',
    ]);
    expect(statuses).toEqual([status]);
    expect(text).toContain(says);
    expectNothingOf(token, text + runtime.logged.text());
    await expectNextCallServed();
  });

  function send(line: string, headers: string[]) {
    return exchange(runtime, [line, 'Host: mcp.example.com', ...headers, '', ''].join('\r\n'));
  }

  async function expectNone(headers: Record<string, string>, body?: string): Promise<void> {
    const before = kcp.seen.length;
    const response = await runtime.post(headers, body);
    expect(response.status).toBe(401);
    // RFC 6750 §3.1: no error code when no credentials were sent.
    expect(response.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${METADATA}"`);
    expectNothingOf(Object.values(headers).join(' '), (await response.text()) + runtime.logged.text());
    expect(kcp.seen.length).toBe(before);
  }
});

// As strange, but right: what the RFCs have a recipient ignore, and what issuers in use do.
describe('a token is accepted', () => {
  const { claims, header, signer, trapURL } = forge;
  const duplicated = JSON.stringify(claims).replace('{', '{"sub":"mallory","email":"mallory@example.com",');
  test.each<[string, () => string]>([
    ['without kid', () => forge.token({ header: { kid: undefined } })],
    ...['JWT', 'jwt', 'AT+JWT', 'application/at+jwt', undefined].map((typ): [string, () => string] => [
      `with typ ${typ ?? 'missing'}`,
      () => forge.token({ header: { typ } }),
    ]),
    ['for several audiences', () => forge.token({ claims: { aud: ['account', 'platform-mesh'] } })],
    ['whose jku, x5u, zip and cty are to be ignored', () => forge.token({ header: { jku: trapURL, x5u: trapURL, zip: 'DEF', cty: 'JWT' } })], // prettier-ignore
    ['that expires in a fraction of a second', () => forge.token({ claims: { exp: Date.now() / 1000 + 60.5 } })],
    ['that expires in the year 9999', () => forge.token({ claims: { exp: 253_402_300_799 } })],
    // Informative (RFC 7519 §4.1.6): nbf is what says from when on a token counts, and kcp reads it so too.
    ['issued in the far future', () => forge.token({ claims: { iat: 4_000_000_000 } })],
    ['with a sub of 4 KiB', () => forge.token({ claims: { sub: 's'.repeat(4096) } })],
    ['with control characters in its claims', () => forge.token({ claims: { email: 'a\n{"log":"audit"}\u202e@example.com' } })], // prettier-ignore
    ...[7, { a: 1 }, ['openid', 7, null], null].map(
      (scope): [string, () => string] => [`with scope ${JSON.stringify(scope)}`, () => forge.token({ claims: { scope, scp: scope } })], // prettier-ignore
    ),
    ['with __proto__ among its claims', () => forge.token({ payload: JSON.stringify(claims).replace('{', '{"__proto__":{"email":"mallory@example.com"},') })], // prettier-ignore
    ['with claims nested 4,000 levels deep', () => forge.token({ payload: JSON.stringify(claims).replace('{', `{"deep":${'['.repeat(4000)}${']'.repeat(4000)},`) })], // prettier-ignore
    // RFC 7515 §4, RFC 7519 §4: rejected, or the last one counts, as kcp's JSON parser has it.
    ['with duplicate claims, whose last ones count', () => forge.token({ payload: duplicated })],
    ['with a duplicate alg, whose last one counts', () => compactJws(JSON.stringify(header).replace('{', '{"alg":"none",'), claims, signer)], // prettier-ignore
  ])('%s', async (_, make) => {
    const before = { trapped, lines: runtime.logged.lines.length };
    await expectNextCallServed(make());
    expect(trapped).toBe(before.trapped);
    const audited = runtime.logged.lines.slice(before.lines).filter((line) => line['log'] === 'audit');
    expect(audited).toHaveLength(1);
    expect(JSON.stringify(audited)).not.toMatch(/mallory|s{300}|\\n|\u202e/);
    expect(({} as Record<string, unknown>)['email']).toBeUndefined();
  });

  test.each(['bearer', 'BEARER', 'Bearer  '])('after the scheme %j', async (scheme) => {
    const response = await runtime.post({ authorization: `${scheme} ${forge.token()}` });
    expect(response.status).toBe(200);
    await response.text();
  });
});
