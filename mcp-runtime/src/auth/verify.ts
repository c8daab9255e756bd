import { hash } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyResult } from 'jose';
import { Lru } from '../lru.ts';
import { KeysNotLoadedError, type Issuer } from './issuer.ts';
import { createPrincipal, NEVER, type Principal } from './principal.ts';
import { whyNoCaller } from './token-kind.ts';

/** Why a token isn't accepted, as the caller and the metrics may know it: it never holds a part of the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly reason: TokenErrorReason;
  constructor(reason: TokenErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
export type TokenErrorReason =
  | 'malformed'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'claim'
  | 'type';

/** Asymmetric signatures only: with a symmetric one whoever can verify could also sign (RFC 8725 §3.1). */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Claims that change with every token of the same caller. */
const VOLATILE = new Set(['iat', 'exp', 'nbf', 'jti', 'sid', 'auth_time']);
const MAX_TOKEN_LENGTH = 16 * 1024;
const MAX_REMEMBERED = 2_048;
/** JWS compact serialization (RFC 7515 §7.1); the signature may be empty, which is then what is wrong. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

export interface VerifierOptions {
  readonly issuer: Issuer;
  /** `oauth_audience`: what `aud` must be or hold. */
  readonly audience: string;
  /** Scopes that clients are told to ask for: named where a token lacks the audience, for one of them has to bring it. */
  readonly scopes?: readonly string[];
  /** How far clocks may differ, in seconds. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/** Verifies bearer tokens. */
export interface Verifier {
  /** @throws {TokenError}, {@link KeysNotLoadedError} */
  verify(token: string): Promise<Principal>;
}

/** What is kept of a verified token: everything but the token itself. */
interface Remembered {
  readonly generation: number;
  readonly principal: Omit<Principal, 'token'>;
}

/**
 * Creates a verifier of JWTs, id and access tokens alike: kcp accepts both, too.
 *
 * A token that passed is remembered by its SHA-256 until it expires or the issuer's keys change; the token itself is not kept.
 */
export function createVerifier({
  issuer,
  audience,
  scopes = [],
  toleranceSeconds = 5,
  clock = Date.now,
}: VerifierOptions): Verifier {
  const remembered = new Lru<Remembered>(MAX_REMEMBERED);
  const expected: Expected = { issuer: issuer.url, audience, scopes };

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH)
        throw new TokenError('malformed', `the token is longer than ${MAX_TOKEN_LENGTH} characters`);
      const tokenHash = hash('sha256', token);
      const known = remembered.get(tokenHash);
      if (known !== undefined) {
        if (known.generation === issuer.generation() && clock() < known.principal.expiresAt * 1_000) {
          return createPrincipal({ ...known.principal, token });
        }
        remembered.delete(tokenHash);
      }
      const generation = issuer.generation();
      if (!isCompactJws(token)) throw new TokenError('malformed', NO_JWT);
      const { protectedHeader, payload } = await verifySignature(token);
      const why = whyNoCaller(protectedHeader, payload);
      if (why !== undefined) throw new TokenError('type', why);
      const kept = principalOf(payload, tokenHash);
      remembered.set(tokenHash, { generation, principal: kept });
      return createPrincipal({ ...kept, token });
    },
  };

  async function verifySignature(token: string): Promise<JWTVerifyResult> {
    const options = {
      issuer: issuer.url,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: toleranceSeconds,
      currentDate: new Date(clock()),
    };
    try {
      return await jwtVerify(token, issuer.key, options);
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw tokenErrorOf(error, expected);
      // A token without `kid` where several keys would do: the right one is the one that verifies.
      for await (const key of error) {
        try {
          return await jwtVerify(token, key, options);
        } catch (inner) {
          if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw tokenErrorOf(inner, expected);
        }
      }
      throw new TokenError('signature', NO_MATCH);
    }
  }
}

const NO_JWT = 'the token is not a signed JWT; opaque and encrypted tokens are not accepted';
const NO_MATCH = 'the signature of the token does not match the key of the issuer';

/** Whether the text is a compact JWS as an encoder writes it: a lenient decoder would give one token many names (RFC 4648 §3.5). */
function isCompactJws(token: string): boolean {
  const canonical = (part: string) => Buffer.from(part, 'base64url').toString('base64url') === part;
  return COMPACT.test(token) && token.split('.').every(canonical);
}

function principalOf(claims: JWTPayload, tokenHash: string): Omit<Principal, 'token'> {
  const { sub, iss, exp, aud } = claims;
  if (typeof sub !== 'string' || sub === '') throw invalidClaim('sub');
  if (typeof iss !== 'string') throw invalidClaim('iss');
  // JSON.parse makes Infinity of 1e999.
  if (typeof exp !== 'number' || exp > NEVER) throw invalidClaim('exp');
  // RFC 7519 §4.1.3; kcp doesn't take such a token either.
  if (Array.isArray(aud) && aud.some((name: unknown) => typeof name !== 'string')) throw invalidClaim('aud');
  return {
    subject: sub,
    issuer: iss,
    username: textClaim(claims['email']) ?? textClaim(claims['preferred_username']),
    tokenHash,
    claimsHash: claimsHashOf(claims),
    expiresAt: exp,
    scopes: [...words(claims['scope']), ...words(claims['scp'])],
  };
}

const textClaim = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** `scope` is text with spaces (RFC 8693 §4.2); `scp` is text or an array, depending on the issuer. */
function words(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];
}

function claimsHashOf(claims: JWTPayload): string {
  const lasting = Object.entries(claims)
    .filter(([name]) => !VOLATILE.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify(lasting));
}

/** What a token is compared with. */
interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly scopes: readonly string[];
}

/** A client that was registered or signs in with fewer scopes gets tokens without the audience, and goes on getting them. */
function audienceCure({ scopes }: Expected): string {
  if (scopes.length === 0) return 'the identity provider has to add it (in Keycloak by an audience mapper)';
  return (
    `register the client anew and sign in with the scopes ${scopes.join(' ')}, ` +
    'one of which has to add it at the identity provider (in Keycloak by an audience mapper)'
  );
}

/** Says what is wrong with a token in words that help its holder and repeat nothing of it. */
function tokenErrorOf(error: unknown, expected: Expected): Error {
  if (error instanceof KeysNotLoadedError) return error;
  if (error instanceof errors.JWTExpired) return new TokenError('expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return claimErrorOf(error, expected);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new TokenError('algorithm', `the token is not signed with an accepted algorithm (${ALGORITHMS.join(', ')})`);
  if (error instanceof errors.JWKSNoMatchingKey)
    return new TokenError('key', 'the token is signed with a key that the issuer does not publish');
  if (error instanceof errors.JWSSignatureVerificationFailed) return new TokenError('signature', NO_MATCH);
  if (error instanceof errors.JOSENotSupported)
    return new TokenError('malformed', 'the header of the token asks for an extension that is not supported (crit)');
  if (error instanceof errors.JOSEError) return new TokenError('malformed', NO_JWT);
  return error instanceof Error ? error : new Error(String(error));
}

function claimErrorOf({ claim, reason }: errors.JWTClaimValidationFailed, expected: Expected): TokenError {
  const { issuer, audience } = expected;
  if (claim === 'iss') return new TokenError('issuer', `iss of the token is not ${issuer}`);
  if (claim === 'aud')
    return new TokenError('audience', `aud of the token does not hold ${audience}: ${audienceCure(expected)}`);
  if (claim === 'nbf' && reason === 'check_failed')
    return new TokenError('not_yet_valid', 'the token is not valid yet (nbf)');
  const name = ['exp', 'sub', 'nbf', 'iat'].find((known) => known === claim);
  return name === undefined ? new TokenError('claim', 'a claim of the token is not valid') : invalidClaim(name);
}

function invalidClaim(name: string): TokenError {
  return new TokenError('claim', `${name} of the token is missing or not valid`);
}
