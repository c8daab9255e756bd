import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import type Provider from 'oidc-provider';
import type { KeySet } from './keys.ts';

/**
 * Makes the id tokens of every client acceptable to kcp: `aud` lists kcp's client id beside the client's own, with `azp`
 * naming the client (OIDC core §2). oidc-provider has no setting for it, so the token response is signed anew.
 */
export function addAudienceToIdTokens(provider: Provider, options: { audience: string; keys: KeySet }): void {
  provider.use(async (ctx, next) => {
    await next();
    const body: unknown = ctx.body;
    if ((ctx.oidc as { route?: string } | undefined)?.route !== 'token' || !hasIdToken(body)) return;
    body.id_token = await withAudience(body.id_token, options);
  });
}

async function withAudience(idToken: string, { audience, keys }: { audience: string; keys: KeySet }): Promise<string> {
  const { alg = '', kid = '' } = decodeProtectedHeader(idToken);
  const claims = decodeJwt(idToken);
  const clientId = String(claims.aud);
  if (clientId === audience) return idToken;
  const jwk = keys.keys.find((key) => key.kid === kid);
  if (!jwk) throw new Error(`id token signed with ${alg} by a key that the issuer doesn't have`);
  return new SignJWT({ ...claims, aud: [clientId, audience], azp: clientId })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .sign(await importJWK(jwk, alg));
}

function hasIdToken(body: unknown): body is { id_token: string } {
  return typeof body === 'object' && body !== null && typeof (body as { id_token?: unknown }).id_token === 'string';
}
