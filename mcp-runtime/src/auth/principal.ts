/**
 * The caller of one request, as the verified token describes them.
 *
 * Made by `verify.ts`, and `anonymous.ts` where nobody signs in; nothing else in the runtime decides who somebody is.
 */
export interface Principal {
  /** Claim `sub`: stable within `issuer`. */
  readonly subject: string;
  /** Claim `iss`, already compared with the configured issuer. */
  readonly issuer: string;
  /** Name for people and the audit log: `email`, else `preferred_username`. Not what kcp decides on: kcp reads the token itself. */
  readonly username: string | undefined;
  /** The bearer token for kcp. Not enumerable: spreading, JSON and `console.log` leave it out. */
  readonly token: string;
  /** Audience that `token` was exchanged for; undefined where it is the caller's own. All else describes the caller's own. */
  readonly exchangedFor?: string;
  /** Who called, where this isn't the caller but the one identity that kcp sees for everybody (`cluster_auth_mode = "kubeconfig"`). */
  readonly caller?: Caller;
  /** SHA-256 of the token, hex. Names one token without holding it. */
  readonly tokenHash: string;
  /** SHA-256 over all claims but the volatile ones (iat, exp, nbf, jti, sid, auth_time), hex: the key of caches of what this caller may see. */
  readonly claimsHash: string;
  /** Claim `exp`: seconds since the epoch. */
  readonly expiresAt: number;
  /** Claims `scope` (RFC 8693 §4.2) and `scp`, split. */
  readonly scopes: readonly string[];
}

/** A caller whose token is of no use any more. */
export type Caller = Omit<Principal, 'token'>;

/** `expiresAt` of what doesn't expire: the last second that a Date can name (ECMA-262 §21.4.1.1). */
export const NEVER = 8.64e12;

/** Builds a {@link Principal} whose `token` can't be logged by accident. */
export function createPrincipal(fields: Principal): Principal {
  const { token, ...visible } = fields;
  return Object.freeze(
    Object.defineProperty({ ...visible }, 'token', { value: token, enumerable: false }) as Principal,
  );
}
