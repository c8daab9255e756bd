import type { JWTHeaderParameters, JWTPayload } from 'jose';

/** Media types (RFC 7515 §4.1.9, `application/` left out) of id tokens, which have none of their own, and of access tokens (RFC 9068 §2.1). */
const CALLERS = new Set(['jwt', 'at+jwt']);

/**
 * Why a JWT that the issuer signed for our audience doesn't say who is calling; undefined where it does.
 *
 * With the same keys, for the same audience, issuers also sign logout tokens, security events, introspection answers and
 * more. The rules for each kind have to shut out the others (RFC 8725 §3.11, §3.12): a token that names another type isn't
 * taken for a caller's, and neither is one with `events`, which tells logout tokens and security events from all others
 * (RFC 8417 §4.5, §4.6) where their issuer doesn't name types. Without a type it may be an id or access token: most issuers
 * name none.
 */
export function whyNoCaller({ typ }: JWTHeaderParameters, { events }: JWTPayload): string | undefined {
  const type: unknown = typ ?? 'jwt';
  if (typeof type !== 'string' || !CALLERS.has(type.toLowerCase().replace(/^application\//, ''))) {
    return 'the token is neither an id token nor an access token (typ must be JWT or at+jwt)';
  }
  if (events !== undefined)
    return 'the token is a logout or security event token (events), not an id token or access token';
  return undefined;
}
