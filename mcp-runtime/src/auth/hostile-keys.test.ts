// What an issuer may answer when it is asked for its keys, over real HTTPS: one bad key must not take the others down, and no
// answer the keys that are known.
import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK } from 'jose';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { compactJws, hmacSigner, signerOf } from '../../../e2e/oidc/forge.ts';
import { newKey, startTestIssuer, type TestIssuer, type TestKey } from '../testing/issuer.ts';
import { captureLog } from '../testing/log.ts';
import { createFetchJson } from './fetch-json.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { createVerifier, TokenError, type Verifier } from './verify.ts';

const SOON = { deadlineMs: 5_000, intervalMs: 2 };

let provider: TestIssuer;
let good: TestKey;
const started: Issuer[] = [];
let logged: ReturnType<typeof captureLog>;
/** How long an issuer may take for one document, in milliseconds. */
let patienceMs: number;

beforeAll(async () => {
  provider = await startTestIssuer();
  good = await newKey('good');
});
afterAll(() => provider.close());
beforeEach(() => {
  logged = captureLog();
  patienceMs = 5_000;
  provider.keys = [good];
});
afterEach(() => {
  for (const issuer of started.splice(0)) issuer.stop();
  provider.oddKeys = [];
  provider.metadata = {};
  provider.answer = () => false;
});

/** An issuer as the runtime knows it, which never asks again by itself. */
function connect(): { issuer: Issuer; verifier: Verifier } {
  const fetchJson = (url: string) => createFetchJson(provider.caFile, patienceMs)(url);
  const backoffMs = { first: 600_000, longest: 600_000 };
  const issuer = createIssuer({ url: provider.url, fetchJson, log: logged.log, backoffMs, coolDownMs: 0 });
  started.push(issuer);
  return { issuer, verifier: createVerifier({ issuer, audience: 'platform-mesh' }) };
}

async function loaded(): Promise<ReturnType<typeof connect>> {
  const connected = connect();
  await waitFor('the keys', () => connected.issuer.ready(), SOON);
  return connected;
}

async function reasonFor(verifier: Verifier, token: string): Promise<string> {
  const error: unknown = await verifier.verify(token).catch((thrown: unknown) => thrown);
  if (!(error instanceof TokenError)) throw new Error('the token was not refused', { cause: error });
  return error.reason;
}

describe('a key that does not count leaves the others in force', () => {
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
  const odd = ec('P-256');
  const publicJwk = { ...odd.publicKey.export({ format: 'jwk' }), kid: 'odd' };
  const privateJwk = { ...odd.privateKey.export({ format: 'jwk' }), kid: 'odd' };
  const weak = rsa(1024);
  const secp256k1 = ec('secp256k1');
  const es256 = signerOf('ES256', odd.privateKey);
  const weakSigner = signerOf('RS256', weak.privateKey);

  interface Row {
    /** The entry of the key set. */
    entry: unknown;
    /** How a token that this key would verify is signed; as by `odd` unless told. */
    alg?: string;
    signer?: typeof es256;
    reason?: string;
    /** What the log says of it; nothing for keys that are for something else. */
    why?: string;
  }
  test.each<[string, Row]>([
    ['null', { entry: null, why: 'key 0 is no JSON object' }],
    ['text', { entry: 'key', why: 'key 0 is no JSON object' }],
    ['a list', { entry: [publicJwk], why: 'key 0 is no JSON object' }],
    ['empty', { entry: {} }],
    ['of an unknown kind', { entry: { ...publicJwk, kty: 'XYZ' } }],
    ['without its curve', { entry: { ...publicJwk, crv: undefined } }],
    ['without a coordinate', { entry: { ...publicJwk, y: undefined }, why: 'key 0 is broken' }],
    ['off the curve', { entry: { ...publicJwk, y: publicJwk.x }, why: 'key 0 is broken' }],
    ['of no base64url', { entry: { ...publicJwk, x: '!!!' }, why: 'key 0 is broken' }],
    ['whose coordinates are numbers', { entry: { ...publicJwk, x: 1, y: 2 }, why: 'key 0 is broken' }],
    ['whose kid is a number', { entry: { ...publicJwk, kid: 7 }, why: 'key 0 has a kid that is no text' }],
    ['for another algorithm', { entry: { ...publicJwk, alg: 'RS256' } }],
    ['for encryption (use)', { entry: { ...publicJwk, use: 'enc' } }],
    ['for encryption (key_ops)', { entry: { ...publicJwk, key_ops: ['encrypt'] } }],
    ['for signing (key_ops)', { entry: { ...publicJwk, key_ops: ['sign'] } }],
    ['whose key_ops is text', { entry: { ...publicJwk, key_ops: 'verify' } }],
    ['whose use is a list', { entry: { ...publicJwk, use: ['sig'] } }],
    ['private', { entry: privateJwk, why: 'key 0 is published with its secret part' }],
    ['private, of RSA', { entry: { ...rsa(2048).privateKey.export({ format: 'jwk' }), kid: 'odd' }, why: 'key 0 is published with its secret part' }], // prettier-ignore
    ['symmetric', { entry: { kty: 'oct', kid: 'odd', k: Buffer.from('secret').toString('base64url') }, alg: 'HS256', signer: hmacSigner('HS256', 'secret'), reason: 'algorithm', why: 'key 0 is published with its secret part' }], // prettier-ignore
    ['of RSA with 1,024 bits', { entry: { ...weak.publicKey.export({ format: 'jwk' }), kid: 'odd' }, alg: 'RS256', signer: weakSigner, why: 'key 0 has 1024 bits, less than 2048' }], // prettier-ignore
    ['of a curve that is not served', { entry: { ...secp256k1.publicKey.export({ format: 'jwk' }), kid: 'odd', alg: 'ES256K' }, alg: 'ES256K', signer: signerOf('ES256', secp256k1.privateKey), reason: 'algorithm' }], // prettier-ignore
  ])('%s', async (_, { entry, alg = 'ES256', signer = es256, reason = 'key', why }) => {
    provider.oddKeys = [entry];
    const { verifier } = await loaded();
    await expect(verifier.verify(await provider.sign())).resolves.toMatchObject({ subject: 'alice-id' });
    const claims = { iss: provider.url, aud: 'platform-mesh', sub: 'mallory', exp: 4e9 };
    expect(await reasonFor(verifier, compactJws({ alg, kid: 'odd' }, claims, signer))).toBe(reason);
    // Without kid every key that counts is tried; this one isn't among them.
    expect(await reasonFor(verifier, compactJws({ alg }, claims, signer))).toMatch(/^(signature|key|algorithm)$/);
    const warned = logged.lines.filter((line) => line['message'] === 'keys of the issuer not used');
    expect(warned.flatMap((line) => line['why'])).toEqual(why === undefined ? [] : [why]);
    expect(logged.text()).not.toContain(privateJwk.d);
  });

  test('with members of no account it counts', async () => {
    const members =
      '"__proto__":{"kty":"oct"},"x5u":"https://127.0.0.1:1/","x5c":["AAAA"],"ext":false,"key_ops":["verify","sign"]';
    provider.oddKeys = [JSON.parse(JSON.stringify(publicJwk).replace('{', `{${members},`))];
    const { verifier } = await loaded();
    const claims = { iss: provider.url, aud: 'platform-mesh', sub: 'bob', exp: 4e9 };
    await expect(verifier.verify(compactJws({ alg: 'ES256', kid: 'odd' }, claims, es256))).resolves.toMatchObject({ subject: 'bob' }); // prettier-ignore
  });

  test('of two with one kid either counts, and no third', async () => {
    provider.oddKeys = [{ ...publicJwk, kid: 'good' }];
    const { verifier } = await loaded();
    const claims = { iss: provider.url, aud: 'platform-mesh', sub: 'bob', exp: 4e9 };
    const sign = (signer: typeof es256) => compactJws({ alg: 'ES256', kid: 'good' }, claims, signer);
    await expect(verifier.verify(sign(es256))).resolves.toBeDefined();
    await expect(verifier.verify(sign(signerOf('ES256', await exportJWK(good.privateKey))))).resolves.toBeDefined();
    expect(await reasonFor(verifier, sign(signerOf('ES256', ec('P-256').privateKey)))).toBe('signature');
  });

  test('of thousands the first hundred count', async () => {
    provider.oddKeys = Array.from({ length: 3_000 }, (_, index) => ({ ...publicJwk, kid: `odd-${index}` }));
    const { verifier } = await loaded();
    const claims = { iss: provider.url, aud: 'platform-mesh', sub: 'bob', exp: 4e9 };
    await expect(verifier.verify(compactJws({ alg: 'ES256', kid: 'odd-99' }, claims, es256))).resolves.toBeDefined();
    expect(await reasonFor(verifier, compactJws({ alg: 'ES256', kid: 'odd-100' }, claims, es256))).toBe('key');
    expect(logged.text()).toContain('only the first 100 keys are used');
  });
});

const json = (res: ServerResponse, body: string, headers = {}) =>
  res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
const keySet = () => JSON.stringify({ keys: [good.publicJwk] });

/** Answers that hold no keys, whatever they pretend. */
const USELESS: [string, (res: ServerResponse) => void, RegExp][] = [
  ['of 2 MiB', (res) => json(res, JSON.stringify({ keys: ['x'.repeat(2 * 1024 * 1024)] })), /exceeded|size/i],
  ['of 2 MiB without saying so', (res) => {
    res.writeHead(200);
    for (let chunk = 0; chunk < 32; chunk++) res.write(' '.repeat(64 * 1024));
    res.end(keySet());
  }, /exceeded|size/i], // prettier-ignore
  [
    'of 100,000 values',
    (res) => json(res, `{"keys":[${'{},'.repeat(100_000)}{}]}`),
    /more than a document of this kind/,
  ],
  ['nested 100,000 levels deep', (res) => json(res, `{"keys":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), /more than a document of this kind/], // prettier-ignore
  ['that is a redirect', (res) => res.writeHead(302, { location: `${provider.url}/other` }).end(keySet()), /answered 302/], // prettier-ignore
  ['that is a permanent redirect', (res) => res.writeHead(308, { location: '//127.0.0.1:1/' }).end(), /answered 308/],
  ['that is HTML', (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>private-words</h1>'), /didn't answer with JSON/], // prettier-ignore
  ['that is half', (res) => json(res, keySet().slice(0, -9)), /didn't answer with JSON/],
  ['that is empty', (res) => json(res, ''), /didn't answer with JSON/],
  ['without content', (res) => res.writeHead(204).end(), /answered 204/],
  ['that is an error', (res) => res.writeHead(500).end(keySet()), /answered 500/],
  ['that is gzip, unasked', (res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(keySet())), /didn't answer with JSON/], // prettier-ignore
  ['that breaks off', (res) => {
    res.writeHead(200, { 'content-length': '5000' });
    res.write('{"keys":');
    setImmediate(() => res.destroy());
  }, /can't be loaded: (?!GET)/], // prettier-ignore
  ['that never comes', () => undefined, /timeout/i],
  ['that never ends', (res) => void res.writeHead(200).write('{"keys":['), /timeout/i],
];

describe.each(['discovery', 'keys'] as const)('an answer for %s', (document) => {
  const rows: typeof USELESS = [
    ...USELESS,
    ...[null, [], 'text', 7, {}].map((value): (typeof USELESS)[number] => [
      `that is ${JSON.stringify(value)}`,
      (res) => json(res, JSON.stringify(value)),
      /names the issuer|has no https jwks_uri|is empty/,
    ]),
  ];
  if (document === 'keys') {
    rows.push(
      ['without a key', (res) => json(res, '{"keys":[]}'), /is empty/],
      ['whose keys are no list', (res) => json(res, '{"keys":{"0":{}}}'), /is empty/],
      ['with keys for encryption only', (res) => json(res, JSON.stringify({ keys: [{ ...good.publicJwk, use: 'enc' }] })), /no key to verify signatures with$/], // prettier-ignore
      ['with broken keys only', (res) => json(res, '{"keys":[null]}'), /no key to verify signatures with: key 0 is no JSON object$/], // prettier-ignore
    );
  }

  test.each(rows)('%s: keys that are known stay, and are not known otherwise', async (what, answer, problem) => {
    const { issuer, verifier } = await loaded();
    const before = { ...provider.requests };
    if (what.startsWith('that never')) patienceMs = 100;
    provider.answer = (asked, res) => {
      if (asked !== document) return false;
      answer(res);
      return true;
    };
    const known = await provider.sign({ jti: 'after' });
    const unknown = await provider.sign({}, {}, await newKey('unknown'));
    // Who is known is served while an unknown key has the issuer asked.
    const [reason, principal] = await Promise.all([reasonFor(verifier, unknown), verifier.verify(known)]);
    expect([reason, principal.subject]).toEqual(['key', 'alice-id']);
    expect(issuer.ready()).toBe(true);
    expect(provider.requests).toEqual({
      discovery: before.discovery + 1,
      keys: before.keys + (document === 'keys' ? 1 : 0),
    });

    const fresh = connect();
    await waitFor('the refusal', () => problem.test(fresh.issuer.problem() ?? ''), SOON);
    expect(fresh.issuer.ready()).toBe(false);
    expect(fresh.issuer.problem()?.length).toBeLessThan(500);
    expect(logged.text()).not.toContain('private-words');
  });
});

describe('jwks_uri', () => {
  test.each<[string, unknown]>([
    ['over http', 'http://localhost/jwks'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:application/json,{"keys":[]}'],
    ['relative', '/jwks'],
    ['of 3,000 characters', `https://localhost/${'a'.repeat(3_000)}`],
    ['a list', [`https://localhost/jwks`]],
    ['missing', undefined],
  ])('%s is not asked', async (_, jwksUri) => {
    provider.metadata = { jwks_uri: jwksUri };
    const { issuer } = connect();
    await waitFor('the refusal', () => issuer.problem()?.includes('has no https jwks_uri') === true, SOON);
    expect(issuer.ready()).toBe(false);
  });

  test('at another host is right, as long as TLS vouches for it', async () => {
    const { port } = new URL(provider.url);
    provider.metadata = { jwks_uri: `https://127.0.0.1:${port}/jwks` };
    await loaded();
    provider.metadata = { jwks_uri: `https://127.0.0.2:${port}/jwks` };
    const { issuer } = connect();
    await waitFor('the refusal', () => /can't be loaded: .+/.test(issuer.problem() ?? ''), SOON);
    expect(issuer.ready()).toBe(false);
  });
});
