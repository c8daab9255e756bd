import { createPrincipal, NEVER, type Principal } from './principal.ts';

/**
 * A caller where nobody signs in (`require_oauth = false`): known by the address that the connection comes from, so that limits
 * and the audit log can tell callers apart as far as that goes. Whatever token is sent along isn't looked at.
 *
 * @param address of the peer; undefined once it has gone.
 */
export function anonymousAt(address: string | undefined): Principal {
  return createPrincipal({
    subject: address ?? 'unknown',
    issuer: '',
    username: 'anonymous',
    token: '',
    tokenHash: '',
    claimsHash: '',
    expiresAt: NEVER,
    scopes: [],
  });
}
