import type { ForgeSource } from './forge.ts';

/** A token that the runtime has to refuse with 401 `invalid_token`, wrong in one thing; `says` is the `error_description` that its sender gets. */
export type HostileToken = readonly [what: string, token: string, says: string];

/** Why tokens are refused, in the runtime's words. */
export const SAYS = {
  malformed: 'the token is not a signed JWT; opaque and encrypted tokens are not accepted',
  algorithm:
    'the token is not signed with an accepted algorithm (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519)',
  key: 'the token is signed with a key that the issuer does not publish',
  signature: 'the signature of the token does not match the key of the issuer',
  critical: 'the header of the token asks for an extension that is not supported (crit)',
  type: 'the token is neither an id token nor an access token (typ must be JWT or at+jwt)',
  event: 'the token is a logout or security event token (events), not an id token or access token',
  expired: 'the token has expired',
  early: 'the token is not valid yet (nbf)',
  claim: (name: string) => `${name} of the token is missing or not valid`,
  audience: ({ audience, scopes }: ForgeSource) =>
    `aud of the token does not hold ${audience}: ${audienceCure(scopes)}`,
  issuer: ({ issuerURL }: ForgeSource) => `iss of the token is not ${issuerURL}`,
};

function audienceCure(scopes: readonly string[]): string {
  if (scopes.length === 0) return 'the identity provider has to add it (in Keycloak by an audience mapper)';
  return (
    `register the client anew and sign in with the scopes ${scopes.join(' ')}, ` +
    'one of which has to add it at the identity provider (in Keycloak by an audience mapper)'
  );
}
