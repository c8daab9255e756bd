import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exportSPKI, importJWK, SignJWT } from 'jose';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { newKey, startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { captureLog } from '../testing/log.ts';
import { createFetchJson } from './fetch-json.ts';
import { createIssuer, KeysNotLoadedError, type Issuer, type IssuerOptions } from './issuer.ts';
import { createVerifier, TokenError, type Verifier } from './verify.ts';

let provider: TestIssuer;
let issuer: Issuer;
let verifier: Verifier;
let now: number;

const logged = captureLog();
const SOON = { deadlineMs: 5_000, intervalMs: 5 };
const clock = () => now;

function connect(options: Partial<IssuerOptions> = {}): Issuer {
  return createIssuer({
    url: provider.url,
    fetchJson: createFetchJson(provider.caFile),
    log: logged.log,
    backoffMs: { first: 20, longest: 20 },
    clock,
    ...options,
  });
}

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());

beforeEach(async () => {
  now = Date.now();
  provider.down = false;
  provider.metadata = {};
  provider.keys = [await newKey('one')];
  issuer = connect();
  verifier = createVerifier({ issuer, audience: 'platform-mesh', clock });
  await waitFor('the keys', () => issuer.ready(), SOON);
});
afterEach(() => {
  issuer.stop();
});

/** Why a token is refused; the message never repeats a part of it. */
async function refusal(token: string): Promise<string> {
  const error: unknown = await verifier.verify(token).catch((thrown: unknown) => thrown);
  if (!(error instanceof TokenError)) throw new Error('the token was not refused', { cause: error });
  for (const part of token.split('.').filter((text) => text.length > 8)) expect(error.message).not.toContain(part);
  return error.reason;
}

describe('a right token', () => {
  test('names its caller', async () => {
    const token = await provider.sign({ scope: 'openid groups', scp: ['extra'] });
    const principal = await verifier.verify(token);
    expect(principal).toMatchObject({
      subject: 'alice-id',
      issuer: provider.url,
      username: 'alice@example.com',
      scopes: ['openid', 'groups', 'extra'],
    });
    expect(principal.token).toBe(token);
    expect(JSON.stringify({ ...principal })).not.toContain(token);
  });

  test.each([
    ['aud is a string', { aud: 'platform-mesh' }],
    ['aud is an array', { aud: ['other', 'platform-mesh'] }],
    ['exp passed within the tolerance', { exp: Math.floor(Date.now() / 1_000) - 2 }],
  ])('%s', async (_, claims) => {
    await expect(verifier.verify(await provider.sign(claims))).resolves.toMatchObject({ subject: 'alice-id' });
  });

  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'is signed with %s',
    async (alg) => {
      provider.keys = [await newKey('two', alg)];
      await expect(verifier.verify(await provider.sign())).resolves.toMatchObject({ subject: 'alice-id' });
    },
  );

  test('has no kid although the issuer has several keys', async () => {
    provider.keys = [await newKey('a'), await newKey('b')];
    await issuer.reload();
    await expect(
      verifier.verify(await provider.sign({}, { kid: undefined as never }, provider.keys[1])),
    ).resolves.toBeDefined();
    expect(await refusal(await provider.sign({}, { kid: undefined as never }, await newKey('c')))).toBe('signature');
  });

  test('gives the same claimsHash as the caller’s next token, and another one when rights change', async () => {
    const first = await verifier.verify(await provider.sign({ jti: '1', groups: ['dev'] }));
    const second = await verifier.verify(await provider.sign({ jti: '2', groups: ['dev'], iat: 5, sid: 'x' }));
    const third = await verifier.verify(await provider.sign({ jti: '3', groups: ['dev', 'admin'] }));
    expect(second.tokenHash).not.toBe(first.tokenHash);
    expect(second.claimsHash).toBe(first.claimsHash);
    expect(third.claimsHash).not.toBe(first.claimsHash);
  });
});

describe('a token is refused', () => {
  const seconds = () => Math.floor(Date.now() / 1_000);
  test.each<[string, string, () => Promise<string> | string]>([
    ['that is no JWT', 'malformed', () => 'garbage'],
    ['that only looks like one', 'malformed', () => 'aaaaaaaaaa.bbbbbbbbbb.cccccccccc'],
    ['longer than 16 KiB', 'malformed', async () => provider.sign({ groups: 'x'.repeat(16_384) })],
    ['that has expired', 'expired', () => provider.sign({ exp: seconds() - 60 })],
    ['that is not valid yet', 'not_yet_valid', () => provider.sign({ nbf: seconds() + 60 })],
    ['for another audience', 'audience', () => provider.sign({ aud: 'other' })],
    ['for other audiences', 'audience', () => provider.sign({ aud: ['other', 'platform-mesh-2'] })],
    ['without audience', 'audience', () => provider.sign({ aud: undefined })],
    ['of another issuer', 'issuer', () => provider.sign({ iss: 'https://evil.example.com' })],
    ['whose issuer has a slash too many', 'issuer', () => provider.sign({ iss: `${provider.url}/` })],
    ['without exp', 'claim', () => provider.sign({ exp: undefined })],
    ['without sub', 'claim', () => provider.sign({ sub: undefined })],
    ['with an empty sub', 'claim', () => provider.sign({ sub: '' })],
    ['signed with a key of the same name', 'signature', async () => provider.sign({}, {}, await newKey('one'))],
    ['signed with an unknown key', 'key', async () => provider.sign({}, {}, await newKey('other'))],
    ['without signature (alg none)', 'algorithm', async () => unsigned(await provider.sign())],
    ['signed with HS256 and the public key as secret', 'algorithm', () => confused()],
  ])('%s', async (_, reason, make) => {
    expect(await refusal(await make())).toBe(reason);
  });

  test('whose payload was changed', async () => {
    const [header, , signature] = (await provider.sign()).split('.');
    const claims = Buffer.from(
      JSON.stringify({ iss: provider.url, aud: 'platform-mesh', sub: 'bob', exp: seconds() + 60 }),
    );
    expect(await refusal(`${header ?? ''}.${claims.toString('base64url')}.${signature ?? ''}`)).toBe('signature');
  });

  /** RFC 8725 §2.1 */
  function unsigned(token: string): string {
    const [, claims] = token.split('.');
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims ?? ''}.`;
  }

  /** RFC 8725 §2.1: the public key, which everybody knows, as the secret of an HMAC. */
  async function confused(): Promise<string> {
    const { publicJwk } = provider.keys[0] ?? (await newKey('x'));
    const pem = await exportSPKI((await importJWK(publicJwk, 'ES256')) as CryptoKey);
    const claims = { iss: provider.url, aud: 'platform-mesh', sub: 'mallory', exp: seconds() + 60 };
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(new TextEncoder().encode(pem));
  }
});

// Clocks may differ by five seconds (RFC 7519 §4.1.4, §4.1.5): exp is the first second that is too late, nbf the first in time.
describe('at the edge of the tolerance', () => {
  test.each<[string, number, string | undefined]>([
    ['exp', -4, undefined],
    ['exp', -5, 'expired'],
    ['exp', -6, 'expired'],
    ['exp', -4.001, undefined],
    ['nbf', 5, undefined],
    ['nbf', 6, 'not_yet_valid'],
    ['nbf', 5.001, 'not_yet_valid'],
  ])('%s %d s from now', async (claim, seconds, reason) => {
    now = 1_800_000_000_000;
    const token = await provider.sign({ exp: 1_800_000_300, [claim]: 1_800_000_000 + seconds });
    if (reason === undefined) await expect(verifier.verify(token)).resolves.toMatchObject({ subject: 'alice-id' });
    else expect(await refusal(token)).toBe(reason);
    // Remembered or not, a token's time is up at the same moment.
    if (claim === 'exp' && reason === undefined) {
      now += 10_000;
      expect(await refusal(token)).toBe('expired');
    }
  });
});

describe('keys', () => {
  test('are not fetched for a token whose key is known', async () => {
    const before = provider.requests.keys;
    for (let round = 0; round < 5; round++) await verifier.verify(await provider.sign({ jti: String(round) }));
    expect(provider.requests.keys).toBe(before);
  });

  test('are fetched once for unknown ones, and again only after the cool-down', async () => {
    const before = provider.requests.keys;
    const strangers = await Promise.all(['x', 'y', 'z'].map(async (kid) => provider.sign({}, {}, await newKey(kid))));
    await Promise.all(strangers.map(refusal));
    for (const token of strangers) expect(await refusal(token)).toBe('key');
    expect(provider.requests.keys).toBe(before + 1);
    now += 30_000;
    expect(await refusal(strangers[0] ?? '')).toBe('key');
    expect(provider.requests.keys).toBe(before + 2);
  });

  test('are not fetched more often by unknown ones while the issuer is down', async () => {
    const stranger = await provider.sign({}, {}, await newKey('x'));
    // No retry by timer in between.
    const quiet = connect({ backoffMs: { first: 600_000, longest: 600_000 } });
    await waitFor('the keys', () => quiet.ready(), SOON);
    provider.down = true;
    const before = provider.requests.discovery;
    const strict = createVerifier({ issuer: quiet, audience: 'platform-mesh', clock });
    for (let round = 0; round < 5; round++)
      await expect(strict.verify(stranger)).rejects.toMatchObject({ reason: 'key' });
    expect(provider.requests.discovery).toBe(before + 1);
    quiet.stop();
  });

  test('that rotate are followed: new ones count at once, old ones until they are withdrawn', async () => {
    const old = await provider.sign();
    await verifier.verify(old);
    const [first] = provider.keys;
    const second = await newKey('two');
    provider.keys = [second, ...(first === undefined ? [] : [first])];
    await expect(verifier.verify(await provider.sign())).resolves.toBeDefined();
    await expect(verifier.verify(old)).resolves.toBeDefined();
    provider.keys = [second];
    await issuer.reload();
    expect(await refusal(old)).toBe('key');
  });

  test('that rotate are followed for all who come while they are loaded', async () => {
    await verifier.verify(await provider.sign());
    provider.keys = [await newKey('two')];
    const tokens = await Promise.all(['a', 'b', 'c'].map((jti) => provider.sign({ jti })));
    const verified = await Promise.allSettled(tokens.map((token) => verifier.verify(token)));
    expect(verified.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  });

  test('that are known keep counting while the issuer is down', async () => {
    provider.down = true;
    expect(await issuer.reload()).toBe(false);
    await expect(verifier.verify(await provider.sign())).resolves.toBeDefined();
    expect(issuer.ready()).toBe(true);
  });

  test('stay when the issuer publishes none', async () => {
    const token = await provider.sign();
    provider.keys = [];
    expect(await issuer.reload()).toBe(false);
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  test('are waited for: an issuer that is down at the start is tried until it answers', async () => {
    provider.down = true;
    const late = connect();
    const lateVerifier = createVerifier({ issuer: late, audience: 'platform-mesh' });
    const before = provider.requests.discovery;
    await waitFor('two attempts', () => provider.requests.discovery >= before + 2, SOON);
    expect(late.ready()).toBe(false);
    expect(late.problem()).toContain('answered 503');
    await expect(lateVerifier.verify(await provider.sign())).rejects.toThrow(KeysNotLoadedError);
    provider.down = false;
    await waitFor('the keys', () => late.ready(), SOON);
    await expect(lateVerifier.verify(await provider.sign())).resolves.toBeDefined();
    late.stop();
  });
});

describe('the discovery document', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['names another issuer', { issuer: 'https://other.example.com' }, 'names the issuer https://other.example.com'],
    ['has no jwks_uri', { jwks_uri: undefined }, 'has no https jwks_uri'],
    ['has a jwks_uri without TLS', { jwks_uri: 'http://localhost/jwks' }, 'has no https jwks_uri'],
  ])('is refused when it %s', async (_, metadata, problem) => {
    provider.metadata = metadata;
    const strict = connect();
    await waitFor('the refusal', () => strict.problem()?.includes(problem) === true, SOON);
    expect(strict.ready()).toBe(false);
    strict.stop();
  });

  test('is not fetched from a server with a certificate of another CA', async () => {
    const stranger = createIssuer({ url: provider.url, fetchJson: createFetchJson(), log: logged.log });
    await waitFor('the refusal', () => /certificate/.test(stranger.problem() ?? ''), SOON);
    stranger.stop();
  });
});

describe('a remembered token', () => {
  test('ends with its exp', async () => {
    const token = await provider.sign();
    await verifier.verify(token);
    now += 301_000 + 5_000;
    expect(await refusal(token)).toBe('expired');
  });
});

test('no token is ever logged', async () => {
  const token = await provider.sign();
  await verifier.verify(token);
  await refusal(`${token}x`);
  expect(logged.text()).not.toContain(token.split('.')[2]);
});
