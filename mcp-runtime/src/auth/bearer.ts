import { TokenError } from './verify.ts';

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/**
 * The token of an Authorization header.
 * @throws {TokenError} when the header isn't of the form of RFC 6750 §2.1.
 */
export function bearerToken(authorization: string): string {
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw new TokenError('malformed', 'the Authorization header is not "Bearer TOKEN"');
  return token;
}
