// The realm that the tests run against, as Keycloak imports it: docs/keycloak.md sets the same one up by hand.
import type { Account } from '../oidc/accounts.ts';

/** kcp's audience, and the id of the client that kubectl's OIDC plugins use. */
export const KCP_AUDIENCE = 'kcp';
/** Scope that puts kcp's audience into tokens: for a server in mode Passthrough. */
export const KCP_SCOPE = 'kcp-audience';

export interface RealmOptions {
  /** The issuer is `https://HOST/realms/NAME`. */
  name: string;
  accounts: readonly Account[];
  /** Where clients may register from, and where their redirect addresses may be. */
  trustedHosts: readonly string[];
  /** Origins of web pages that may register clients. */
  webOrigins: readonly string[];
  /** Servers in mode Exchange. */
  exchangers: readonly Exchanger[];
}

/** A server in mode Exchange, which is a client of Keycloak. */
export interface Exchanger {
  /** Its URL, `https://HOST/mcp`: the audience of its callers' tokens, and the id of the client. One thing, so one mapper. */
  clientId: string;
  /** Scope that puts it into callers' tokens. */
  scope: string;
  secret: string;
  /** The switch "Standard token exchange" of the client. */
  mayExchange: boolean;
}

/** An RFC 7591 registration is anonymous: whoever can reach Keycloak may send one, and these policies judge it. */
const POLICIES = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy';

/** The realm file. */
export function realm({ name, accounts, trustedHosts, webOrigins, exchangers }: RealmOptions): object {
  const mcpScopes = exchangers.map((each) => each.scope);
  const groups = [...new Set(accounts.flatMap((account) => account.groups))];
  return {
    realm: name,
    enabled: true,
    sslRequired: 'all',
    groups: groups.map((group) => ({ name: group })),
    users: accounts.map((account) => user(account, name)),
    clientScopes: [
      // Without it tokens have no sub; it is the one scope that a client always keeps.
      scope('basic', [mapper('sub', 'oidc-sub-mapper', {})], { inToken: false }),
      // kcp reads the user from email (--oidc-username-claim=email) and the groups from groups.
      scope('email', [
        mapper('email', 'oidc-usermodel-attribute-mapper', claim('email', 'email')),
        mapper('email verified', 'oidc-usermodel-property-mapper', {
          ...claim('emailVerified', 'email_verified'),
          'jsonType.label': 'boolean',
        }),
      ]),
      scope('groups', [
        mapper('groups', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'false' }),
      ]),
      scope(KCP_SCOPE, [audience(KCP_AUDIENCE)], { inToken: false }),
      ...exchangers.map((each) => scope(each.scope, [audience(each.clientId)], { inToken: false })),
      // A login that asks for a scope which the realm doesn't have is refused, and MCP clients ask for this one.
      scope('offline_access', []),
    ],
    defaultDefaultClientScopes: ['basic', 'email', 'groups', KCP_SCOPE],
    defaultOptionalClientScopes: ['offline_access', ...mcpScopes],
    clients: [
      {
        ...client(KCP_AUDIENCE),
        publicClient: true,
        standardFlowEnabled: true,
        redirectUris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
        attributes: { 'pkce.code.challenge.method': 'S256' },
      },
      ...exchangers.map(exchangingClient),
    ],
    components: {
      [POLICIES]: [
        policy('Trusted Hosts', 'trusted-hosts', {
          'trusted-hosts': [...trustedHosts],
          'host-sending-registration-request-must-match': ['true'],
          'client-uris-must-match': ['true'],
        }),
        // openid is no client scope, yet it must be allowed by name once a client names it.
        policy('Allowed Client Scopes', 'allowed-client-templates', {
          'allow-default-scopes': ['true'],
          'allowed-client-scopes': ['openid', KCP_SCOPE, ...mcpScopes],
        }),
        policy('Registration Web Origins', 'registration-web-origins', { 'web-origins': [...webOrigins] }),
        policy('Max Clients Limit', 'max-clients', { 'max-clients': ['200'] }),
      ],
    },
  };
}

const user = ({ name, password, email, groups }: Account, realmName: string): object => ({
  username: name,
  enabled: true,
  email,
  // kube-apiserver refuses an email whose email_verified is false.
  emailVerified: true,
  firstName: name,
  lastName: 'Example',
  credentials: [{ type: 'password', value: password, temporary: false }],
  groups: groups.map((group) => `/${group}`),
  realmRoles: [`default-roles-${realmName}`],
});

function scope(name: string, protocolMappers: object[], { inToken = true } = {}): object {
  const attributes = { 'include.in.token.scope': String(inToken), 'display.on.consent.screen': 'false' };
  return { name, protocol: 'openid-connect', attributes, protocolMappers };
}

const mapper = (name: string, protocolMapper: string, config: Record<string, string>): object => ({
  name,
  protocol: 'openid-connect',
  protocolMapper,
  config: { 'id.token.claim': 'true', 'access.token.claim': 'true', ...config },
});

const claim = (attribute: string, name: string): Record<string, string> => ({
  'user.attribute': attribute,
  'claim.name': name,
  'jsonType.label': 'String',
});

/** Puts a client of the realm as an audience into access and id tokens. */
const audience = (clientId: string): object =>
  mapper(`audience ${clientId}`, 'oidc-audience-mapper', { 'included.client.audience': clientId });

const client = (clientId: string): object => ({ clientId, enabled: true, protocol: 'openid-connect' });

/** Confidential, nobody signs in with it, and kcp's audience is one that it may have. */
const exchangingClient = ({ clientId, secret, mayExchange }: Exchanger): object => ({
  ...client(clientId),
  publicClient: false,
  secret,
  standardFlowEnabled: false,
  directAccessGrantsEnabled: false,
  attributes: { 'standard.token.exchange.enabled': String(mayExchange) },
  defaultClientScopes: ['basic', 'email', 'groups', KCP_SCOPE],
  optionalClientScopes: [],
});

const policy = (name: string, providerId: string, config: Record<string, string[]>): object => ({
  name,
  providerId,
  subType: 'anonymous',
  config,
});
