import { createHash } from 'node:crypto';
import { createPrincipal } from '../auth/principal.ts';
import type { Principal } from '../auth/principal.ts';
import { tokenOf } from './fake-kcp.ts';

/** A verified caller whom the fake kcp knows. */
export function principalOf(user: string): Principal {
  return createPrincipal({
    subject: user,
    issuer: 'https://issuer.test',
    username: `${user}@example.com`,
    token: tokenOf(user),
    tokenHash: createHash('sha256').update(tokenOf(user)).digest('hex'),
    claimsHash: createHash('sha256').update(user).digest('hex'),
    expiresAt: 4_000_000_000,
    scopes: [],
  });
}
