import type { SignInConfig } from '../config/schema.ts';

type HelpConfig = Pick<SignInConfig, 'server_url' | 'authorization_url' | 'oauth_audience'>;

/**
 * The page for people whose client can't sign in (RFC 9728 §2, `resource_documentation`): what is expected of client and
 * identity provider, and what to do about the refusals that happen between those two, where this server has no say. Public, like the
 * metadata that names it, and made of the configuration only.
 *
 * @param scopes those that clients are told to ask for.
 */
export function signInHelp(config: HelpConfig, scopes: readonly string[]): string {
  const { server_url: base, authorization_url: issuer, oauth_audience: audience } = config;
  const asked = scopes.length === 0 ? '(none advertised)' : scopes.join(' ');
  return `Signing in to the MCP server at ${base}/mcp

Give your client the address ${base}/mcp. It finds the identity provider from there, registers
itself with it, and opens its sign-in page.

  Identity provider   ${issuer}
  Scopes to ask for   ${asked}
  Audience of tokens  ${audience} (claim aud)

When that fails

"Policy 'Trusted Hosts' rejected request to client-registration service" (403)
  Keycloak lets clients register themselves from trusted hosts only. "URI doesn't match any trusted
  host or trusted domain" is about the client's redirect address, "Host not trusted" about the machine
  that asks. Ask those who run the identity provider to add that host to the policy (Clients, Client
  registration, Anonymous access policies, Trusted Hosts), or to make a client for you: a public one
  with PKCE, the redirect address of your client and the scopes above. Its client id then goes into
  the settings of your client in place of the registration.

"Policy 'Allowed Client Scopes' rejected request to client-registration service" (403)
  A scope above isn't among those that clients may register with. Those who run the identity provider
  add it to the policy of that name, openid included.

"Invalid origin" (403)
  Your client runs in a browser, and its page isn't allowed to register clients. Those who run the
  identity provider add its origin to a policy of the type registration-web-origins.

"invalid_scope" at sign-in
  Your client was registered without the scopes above. Remove its registration in the client
  (usually: remove the server and add it again), so that it registers anew.

"invalid_token", "aud of the token does not hold ${audience}" (401)
  Your client was registered or signed in without the scope that brings the audience: remove the
  server in your client and add it again. If that doesn't help, one of the scopes above needs an
  audience mapper for ${audience} at the identity provider.

Signed in, yet every call fails
  The text of the failed call says what to do, and by whom.
`;
}
