import { randomBytes } from 'node:crypto';
import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/client';
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { logInByForm } from './browser.ts';
import { trustingFetch } from './http.ts';
import type { Fetch } from './http.ts';

export interface SignInOptions {
  /** The MCP endpoint, e.g. `https://HOST/mcp`. */
  mcpURL: string;
  user: string;
  password: string;
  /** File with the CA certificates that the MCP server and the issuer are trusted by; the system's when absent. */
  ca?: string;
  /** Scopes to ask for instead of the ones that the server advertises. */
  scope?: string;
  /** A public client that the issuer knows already; by default one is registered. */
  client?: { client_id: string; issuer: string };
  /** Registered with the issuer; `http://127.0.0.1/callback` and "headless assistant" unless told. */
  redirectURI?: string;
  clientName?: string;
}

/** What a sign-in yields. The tokens are not enumerable: printing or comparing the whole shows no secret. */
export interface SignedIn {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  user: string;
  clientID: string;
  scope: string | undefined;
  /** Seconds. */
  expiresIn: number | undefined;
}

/**
 * Signs in as an MCP client does (MCP authorization spec): the endpoint's 401 leads to its metadata (RFC 9728), that to
 * the issuer's (RFC 8414), a client is registered (RFC 7591), and a code is exchanged with PKCE (RFC 7636) for tokens.
 * The MCP SDK's own code does all of it but the login form.
 *
 * @throws when the endpoint doesn't challenge, or any step fails; messages hold no token
 */
export async function signIn(options: SignInOptions): Promise<SignedIn> {
  const http = await trustingFetch(options.ca);
  try {
    const challenge = await challengeOf(options.mcpURL, http.fetch);
    const client = new HeadlessClient(options);
    const flow = {
      serverUrl: options.mcpURL,
      fetchFn: http.fetch,
      ...(challenge.resourceMetadataUrl ? { resourceMetadataUrl: challenge.resourceMetadataUrl } : {}),
      ...definedScope(options.scope ?? challenge.scope),
    };
    await auth(client, flow);
    if (!client.authorizationURL) throw new Error('the MCP client was not sent to the issuer');
    const callback = await logInByForm({
      fetch: http.fetch,
      authorizationURL: client.authorizationURL,
      redirectURI: client.redirectUrl,
      user: options.user,
      password: options.password,
    });
    const parameters = callback.searchParams;
    const refusal = parameters.get('error');
    if (refusal !== null)
      throw new Error(`the issuer answered ${refusal}: ${parameters.get('error_description') ?? ''}`);
    if (parameters.get('state') !== client.expectedState) throw new Error('the issuer sent back another state');
    const [authorizationCode, iss] = [parameters.get('code') ?? '', parameters.get('iss')];
    await auth(client, { ...flow, authorizationCode, ...(iss === null ? {} : { iss }) });
    return client.result(options.user);
  } finally {
    await http.close();
  }
}

/** Sends a first request without a token, and reads where the 401 points. */
async function challengeOf(mcpURL: string, fetch: Fetch): Promise<ReturnType<typeof extractWWWAuthenticateParams>> {
  const response = await fetch(mcpURL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });
  await response.body?.cancel();
  if (response.status !== 401) throw new Error(`${mcpURL} answered ${response.status} without a token, not 401`);
  if (!response.headers.has('www-authenticate')) throw new Error(`the 401 of ${mcpURL} has no WWW-Authenticate header`);
  return extractWWWAuthenticateParams(response);
}

class HeadlessClient implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly expectedState = randomBytes(16).toString('base64url');
  authorizationURL: URL | undefined;
  readonly #name: string;
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  constructor(options: SignInOptions) {
    this.redirectUrl = options.redirectURI ?? 'http://127.0.0.1/callback';
    this.#name = options.clientName ?? 'headless assistant';
    this.#client = options.client;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: this.#name,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    return this.expectedState;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationURL = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  result(user: string): SignedIn {
    const tokens = this.#tokens;
    if (!tokens || !this.#client) throw new Error('the issuer gave no tokens');
    const visible = { user, clientID: this.#client.client_id, scope: tokens.scope, expiresIn: tokens.expires_in };
    return Object.defineProperties(visible, {
      accessToken: { value: tokens.access_token },
      idToken: { value: tokens.id_token },
      refreshToken: { value: tokens.refresh_token },
    }) as SignedIn;
  }
}

function definedScope(scope: string | undefined): { scope?: string } {
  return scope === undefined ? {} : { scope };
}
