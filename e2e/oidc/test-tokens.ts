import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import type { JWK, JWTPayload } from 'jose';
import { accountClaims, demoAccounts } from './accounts.ts';
import type { Account } from './accounts.ts';
import { readKeys } from './keys.ts';
import type { SigningAlgorithm } from './keys.ts';

/** What is needed to sign like an issuer; an `IssuerHandle` is one. */
export interface TokenSource {
  issuerURL: string;
  clientID: string;
  stateDir: string;
}

export interface TestTokenOptions {
  /** Whose token; alice unless told. */
  account?: Account;
  /** Claims that replace the usual ones; `undefined` leaves a claim out. */
  claims?: Record<string, unknown>;
  /** Header fields that replace the usual ones. */
  header?: Record<string, unknown>;
  /** Seconds from now (may be negative) until it expires; 600 unless told. */
  expiresIn?: number;
  alg?: SigningAlgorithm;
}

/** A token as the issuer itself would sign it, with what the test wants different. Needs no sign-in. */
export async function signTestToken(source: TokenSource, options: TestTokenOptions = {}): Promise<string> {
  const key = await signingKey(source, options.alg ?? 'RS256');
  return new SignJWT(payloadOf(source, options))
    .setProtectedHeader({ alg: options.alg ?? 'RS256', kid: key.kid ?? '', typ: 'at+jwt', ...options.header })
    .sign(await importJWK(key, options.alg ?? 'RS256'));
}

/** Tokens that nobody may accept, by what is wrong with them; each is right in everything else. */
export async function hostileTokens(source: TokenSource): Promise<Record<string, string>> {
  const rsa = await signingKey(source, 'RS256');
  const good = await signTestToken(source);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = (kid: string): Promise<string> =>
    new SignJWT(payloadOf(source, {})).setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' }).sign(privateKey);
  const asBob = encode({ ...payloadOf(source, {}), email: 'bob@example.com', sub: 'bob' });
  return {
    expired: await signTestToken(source, { expiresIn: -120 }),
    'not yet valid': await signTestToken(source, { claims: { nbf: now() + 300 } }),
    'without expiry': await signTestToken(source, { claims: { exp: undefined } }),
    'for another audience': await signTestToken(source, { claims: { aud: 'somebody-else' } }),
    'for no audience': await signTestToken(source, { claims: { aud: undefined } }),
    'from another issuer': await signTestToken(source, { claims: { iss: 'https://issuer.invalid' } }),
    'with alg none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    'with the signature cut off': `${header}.${payload}.`,
    'with the payload replaced': `${header}.${asBob}.${signature}`,
    'HS256 with the public key as secret': hmacWithPublicKey(rsa, payload),
    'signed by a stranger with a known kid': await stranger(rsa.kid ?? ''),
    'signed by a stranger with an unknown kid': await stranger('nobody-knows-this-key'),
    'no token at all': 'not-a-token',
  };
}

function payloadOf(source: TokenSource, options: TestTokenOptions): JWTPayload {
  const account = options.account ?? demoAccounts[0];
  return {
    ...(account && accountClaims(account)),
    iss: source.issuerURL,
    aud: source.clientID,
    iat: now() - 1,
    exp: now() + (options.expiresIn ?? 600),
    client_id: 'test',
    scope: 'openid email groups',
    ...options.claims,
  };
}

/** The classic confusion (RFC 8725 §2.1): a verifier that lets the token choose takes the public key as HMAC secret. */
function hmacWithPublicKey(key: JWK, payload: string): string {
  const pem = createPublicKey({ key: key, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  const signed = `${encode({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' })}.${payload}`;
  return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
}

async function signingKey(source: TokenSource, alg: SigningAlgorithm): Promise<JWK> {
  const key = (await readKeys(source.stateDir)).keys.find((candidate) => candidate.alg === alg);
  if (!key) throw new Error(`the issuer in ${source.stateDir} has no ${alg} key`);
  return key;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
