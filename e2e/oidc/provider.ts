import Provider, { errors, interactionPolicy } from 'oidc-provider';
import type { AdapterFactory, Configuration } from 'oidc-provider';
import { accountClaims } from './accounts.ts';
import type { Account } from './accounts.ts';
import { addAudienceToIdTokens } from './id-token-audience.ts';
import type { KeySet } from './keys.ts';
import { addTokenExchange } from './token-exchange.ts';

export interface ProviderOptions {
  issuerURL: string;
  /** `aud` of access and id tokens: the one client id that kcp is configured with (`--oidc-client-id`). */
  audience: string;
  accounts: readonly Account[];
  keys: KeySet;
  adapter: AdapterFactory;
  /** Lifetime of id and access tokens in seconds. */
  tokenLifetime: number;
  /** Signs the cookies of a sign-in under way. */
  cookieSecret: string;
}

const hour = 3600;
const day = 24 * hour;

/** Scopes of a client that names none: the ones that an MCP server in front of kcp advertises. */
export const defaultScope = 'openid email groups';

/**
 * An OpenID provider that behaves as kcp needs: open registration (RFC 7591), code flow with PKCE only, and JWT access
 * tokens (RFC 9068) whose audience is kcp's, whichever resource (RFC 8707) the client names.
 */
export function createProvider(options: ProviderOptions): Provider {
  const accountOf = (id: string): Account | undefined => options.accounts.find((account) => account.name === id);
  const provider = new Provider(options.issuerURL, {
    adapter: options.adapter,
    jwks: { keys: options.keys.keys },
    clients: [kubectlClient(options.audience)],
    clientDefaults: { grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none' },
    scopes: ['openid', 'email', 'groups', 'offline_access'],
    claims: {
      openid: ['sub', 'email', 'email_verified', 'groups'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    // kcp reads email and groups from the id token itself, not from the userinfo endpoint.
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    cookies: { keys: [options.cookieSecret] },
    clientBasedCORS: () => true,
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true, initialAccessToken: false },
      registrationManagement: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Named or not, what a client asks for is always kcp; a urn stands for it when the client names nothing.
        defaultResource: (_ctx, _client, oneOf) => oneOf ?? `urn:kcp:${options.audience}`,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (!/^(https:|urn:kcp:)/.test(resource)) throw new errors.InvalidTarget('resource must be an https URL');
          return {
            audience: options.audience,
            scope: 'openid email groups offline_access',
            accessTokenFormat: 'jwt',
            accessTokenTTL: options.tokenLifetime,
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    findAccount: (_ctx, id) => {
      const account = accountOf(id);
      return account && { accountId: id, claims: () => accountClaims(account) };
    },
    extraTokenClaims: (_ctx, token) => {
      const account = token.kind === 'AccessToken' ? accountOf(token.accountId) : undefined;
      return account && { ...accountClaims(account) };
    },
    interactions: { policy: loginOnly(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: async (ctx) => {
      const { client, session, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      });
      const scope = typeof params?.scope === 'string' ? params.scope : '';
      grant.addOIDCScope(scope);
      for (const resource of Object.keys(ctx.oidc.resourceServers ?? {})) grant.addResourceScope(resource, scope);
      await grant.save();
      return grant;
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    ttl: {
      AccessToken: options.tokenLifetime,
      AuthorizationCode: 60,
      Grant: 14 * day,
      IdToken: options.tokenLifetime,
      Interaction: hour,
      RefreshToken: 14 * day,
      Session: day,
    },
  });
  addAudienceToIdTokens(provider, options);
  addTokenExchange(provider, { ...options, accountOf });
  return provider;
}

/** Whoever signs in has consented: clients may ask for the consent prompt (MCP ones do), but it shows no page. */
function loginOnly(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  policy.add(new interactionPolicy.Prompt({ name: 'consent', requestable: true }));
  return policy;
}

/** The client id that kcp itself is configured with, for kubectl's OIDC plugins: public, on loopback. */
function kubectlClient(clientId: string): NonNullable<Configuration['clients']>[number] {
  return {
    client_id: clientId,
    application_type: 'native',
    redirect_uris: ['http://localhost/', 'http://localhost/callback', 'http://127.0.0.1/', 'http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  };
}
