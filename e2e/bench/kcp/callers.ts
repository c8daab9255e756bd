import { decodeJwt } from 'jose';

/** Who sent a request: an email, `undefined` for a token that isn't one. */
export type Callers = (authorization: string | undefined) => string | undefined;

export const anonymous = 'system:anonymous';

const mostTokens = 10_000;

/**
 * Reads callers out of their tokens. The signature isn't looked at: checking one costs a kcp the same however it is asked,
 * and kcp itself remembers tokens, too. What is not a token of the issuer, or has expired, is nobody's.
 */
export function callersOf(issuerURL: string): Callers {
  const known = new Map<string, { user: string; expiresAt: number }>();
  return (authorization) => {
    if (authorization === undefined) return anonymous;
    let caller = known.get(authorization);
    if (!caller) {
      caller = read(authorization, issuerURL);
      if (!caller) return undefined;
      if (known.size >= mostTokens) known.clear();
      known.set(authorization, caller);
    }
    return caller.expiresAt > Date.now() ? caller.user : undefined;
  };
}

function read(authorization: string, issuerURL: string): { user: string; expiresAt: number } | undefined {
  try {
    const { iss, exp = 0, email } = decodeJwt(authorization.replace(/^Bearer /, ''));
    return iss === issuerURL && typeof email === 'string' ? { user: email, expiresAt: exp * 1000 } : undefined;
  } catch {
    return undefined;
  }
}
