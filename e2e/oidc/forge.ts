// Makes tokens that no library would: any header, any payload, any signature, byte for byte.
import { constants, createHmac, createPrivateKey, KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';
import { accountClaims, demoAccounts } from './accounts.ts';
import { readKeys } from './keys.ts';
import type { TokenSource } from './test-tokens.ts';

/** Makes the signature over `BASE64URL(header).BASE64URL(payload)`. */
export type Signer = (input: string) => Buffer;

/** A compact JWS (RFC 7515 §7.1). Header and payload are written as JSON, or as they are where they are text or bytes. */
export function compactJws(header: unknown, payload: unknown, signer: Signer): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

/** Base64url of a value's JSON, or of text and bytes as they are. */
export function base64url(value: unknown): string {
  const bytes = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
  return Buffer.from(bytes).toString('base64url');
}

/** Signs as `alg` says (RFC 7518 §3.1, RFC 8037, RFC 8812), whatever the header will say. */
export function signerOf(alg: string, key: KeyObject | JWK): Signer {
  const privateKey = key instanceof KeyObject ? key : createPrivateKey({ key, format: 'jwk' });
  const hash = `sha${/\d+/.exec(alg)?.[0] ?? '256'}`;
  switch (alg.slice(0, 2)) {
    case 'RS':
      return (input) => sign(hash, Buffer.from(input), privateKey);
    case 'PS': {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      return (input) => sign(hash, Buffer.from(input), { key: privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }); // prettier-ignore
    }
    case 'ES':
      return (input) => sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    default:
      return (input) => sign(null, Buffer.from(input), privateKey);
  }
}

/** HS256, HS384, HS512 with anything as secret. */
export function hmacSigner(alg: string, secret: string | Buffer): Signer {
  return (input) =>
    createHmac(`sha${alg.slice(2)}`, secret)
      .update(input)
      .digest();
}

/** No signature. */
export const unsigned: Signer = () => Buffer.alloc(0);

/** What tokens are forged from: all that an issuer has, and where a trap for careless verifiers stands. */
export interface ForgeSource {
  readonly issuerURL: string;
  readonly audience: string;
  /** Scopes that the server tells its clients to ask for; refusals name them. */
  readonly scopes: readonly string[];
  /** The issuer's private keys, RS256 and ES256. */
  readonly rsa: JWK;
  readonly ec: JWK;
  /** An address that the token's header may name; nobody may ask it for a key. */
  readonly trapURL: string;
}

/** Makes tokens of one source: the issuer's own ES256 token for alice, but for what is given. */
export interface Forge extends ForgeSource {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signer: Signer;
  /** `header` and `claims` are added to the right ones (`undefined` takes one away); `payload` replaces them all. */
  readonly token: (parts?: {
    header?: object;
    claims?: object;
    payload?: string | Uint8Array | unknown[] | null | number;
    signer?: Signer;
  }) => string;
}

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);

export function createForge(source: ForgeSource): Forge {
  const header = { alg: 'ES256', kid: source.ec.kid, typ: 'at+jwt' };
  const [alice] = demoAccounts;
  const claims = {
    ...(alice && accountClaims(alice)),
    iss: source.issuerURL,
    aud: source.audience,
    iat: now() - 1,
    exp: now() + 600,
  };
  const signer = signerOf('ES256', source.ec);
  return {
    ...source,
    header,
    claims,
    signer,
    token: (parts = {}) =>
      compactJws(
        { ...header, ...parts.header },
        parts.payload === undefined ? { ...claims, ...parts.claims } : parts.payload,
        parts.signer ?? signer,
      ),
  };
}

/** A forge of a running issuer's keys. */
export async function forgeOf(
  source: TokenSource,
  { scopes, trapURL }: Pick<ForgeSource, 'scopes' | 'trapURL'>,
): Promise<Forge> {
  const { keys } = await readKeys(source.stateDir);
  const [rsa, ec] = ['RS256', 'ES256'].map((alg) => keys.find((key) => key.alg === alg));
  if (rsa === undefined || ec === undefined) throw new Error(`the issuer in ${source.stateDir} lacks a key`);
  return createForge({ issuerURL: source.issuerURL, audience: source.clientID, scopes, rsa, ec, trapURL });
}
