import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import { errors } from 'oidc-provider';
import type Provider from 'oidc-provider';
import { accountClaims } from './accounts.ts';
import type { Account } from './accounts.ts';
import type { KeySet } from './keys.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

export interface TokenExchangeOptions {
  issuerURL: string;
  /** kcp's audience: the only one that there is a token for. */
  audience: string;
  keys: KeySet;
  accountOf: (id: string) => Account | undefined;
  /** Lifetime of the tokens in seconds. */
  tokenLifetime: number;
}

/**
 * Lets confidential clients exchange access tokens (RFC 8693) as Keycloak's standard exchange does: the client must be named
 * in `aud` of the token that it exchanges. oidc-provider has no such grant of its own. A client registers for it like any other
 * (RFC 7591), with this grant type and a secret.
 */
export function addTokenExchange(provider: Provider, options: TokenExchangeOptions): void {
  const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope', 'resource'];
  provider.registerGrantType(
    grantType,
    async (ctx) => {
      const { client } = ctx.oidc;
      const params: Record<string, unknown> = ctx.oidc.params;
      if (client.clientAuthMethod === 'none') throw new errors.InvalidClient('only confidential clients');
      if (params['subject_token_type'] !== accessTokenType) throw new errors.InvalidRequest('access tokens only');
      if (params['audience'] !== options.audience) throw new errors.InvalidTarget('no such audience');
      const subject = await verify(params['subject_token'], options);
      const audiences = [subject.aud ?? []].flat();
      if (!audiences.includes(client.clientId))
        throw new errors.AccessDenied('the client is not in the token audience');
      ctx.body = await issue(subject, client.clientId, options);
    },
    parameters,
  );
}

async function verify(token: unknown, { issuerURL, keys }: TokenExchangeOptions): Promise<JWTPayload> {
  const publicKeys = keys.keys.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key }) => key);
  try {
    const set = createLocalJWKSet({ keys: publicKeys });
    return (await jwtVerify(String(token), set, { issuer: issuerURL })).payload;
  } catch {
    throw new errors.InvalidRequest('the subject token is not valid');
  }
}

async function issue(subject: JWTPayload, clientId: string, options: TokenExchangeOptions): Promise<object> {
  const account = options.accountOf(subject.sub ?? '');
  const [key] = options.keys.keys;
  if (!account || !key) throw new errors.InvalidRequest('the subject of the token is not known');
  const { alg = '', kid = '' } = key;
  const now = Math.floor(Date.now() / 1000);
  const lifetime = Math.min(options.tokenLifetime, (subject.exp ?? now) - now);
  const claims = { ...accountClaims(account), aud: options.audience, client_id: clientId };
  const token = await new SignJWT({ ...claims, iss: options.issuerURL, iat: now, exp: now + lifetime })
    .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
    .sign(await importJWK(key, alg));
  return {
    access_token: token,
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    expires_in: lifetime,
  };
}
