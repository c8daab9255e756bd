import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { freePorts } from '../lib/ports.ts';
import { stopAll } from '../lib/process.ts';
import { trustingFetch } from './http.ts';
import type { TrustingFetch } from './http.ts';
import { startIssuer } from './issuer.ts';
import type { IssuerHandle } from './issuer.ts';
import { signIn } from './sign-in.ts';
import { hostileTokens, signTestToken } from './test-tokens.ts';

let dir: string;
let issuer: IssuerHandle;
let http: TrustingFetch;
let resource: Server;
let mcpURL: string;
let ports: number[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'issuer-'));
  ports = await freePorts(2);
  issuer = await startIssuer({ dir, address: '127.0.0.1', port: ports[0] ?? 0 });
  http = await trustingFetch(issuer.caFile);
  mcpURL = `https://127.0.0.1:${ports[1] ?? 0}/mcp`;
  resource = await serveProtectedResource(ports[1] ?? 0);
}, 60_000);

afterAll(async () => {
  resource.closeAllConnections();
  resource.close();
  await http.close();
  await stopAll(dir);
  await rm(dir, { recursive: true });
});

/** The least that an MCP server says to somebody without a token. */
async function serveProtectedResource(port: number): Promise<Server> {
  const tls = { cert: await readFile(join(dir, 'oidc/tls.crt')), key: await readFile(join(dir, 'oidc/tls.key')) };
  const metadata = `https://127.0.0.1:${port}/.well-known/oauth-protected-resource/mcp`;
  const server = createServer(tls, (request, response) => {
    if (request.url === new URL(metadata).pathname) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ resource: mcpURL, authorization_servers: [issuer.issuerURL], scopes_supported: ['openid', 'email', 'groups'] })); // prettier-ignore
      return;
    }
    response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` }).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function verify(token: string) {
  const jwks = createRemoteJWKSet(new URL(`${issuer.issuerURL}/jwks`), { [customFetch]: http.fetch });
  const algorithms = ['RS256', 'ES256'];
  return jwtVerify(token, jwks, {
    issuer: issuer.issuerURL,
    audience: 'platform-mesh',
    algorithms,
    requiredClaims: ['exp'],
  });
}

const alice = { user: 'alice', password: 'alice-demo' };

describe('signing in', () => {
  test('gives access and id tokens that kcp takes, with email and groups', async () => {
    const signedIn = await signIn({ mcpURL, ca: issuer.caFile, ...alice });
    for (const token of [signedIn.accessToken, signedIn.idToken ?? '']) {
      const { payload, protectedHeader } = await verify(token);
      expect(payload).toMatchObject({ sub: 'alice', email: 'alice@example.com', groups: ['devs'] });
      expect(protectedHeader.alg).toBe('RS256');
    }
    expect(decodeJwt(signedIn.accessToken).aud).toBe('platform-mesh');
    expect(decodeJwt(signedIn.idToken ?? '')).toMatchObject({
      aud: [signedIn.clientID, 'platform-mesh'],
      azp: signedIn.clientID,
    });
    expect(signedIn.refreshToken).toBeDefined();
  });

  test('never shows a token when the result is printed', async () => {
    const signedIn = await signIn({ mcpURL, ca: issuer.caFile, ...alice });
    expect(JSON.stringify({ ...signedIn })).not.toContain('eyJ');
    expect(signedIn.accessToken).toMatch(/^eyJ/);
  });

  test('with a wrong password fails and says so', async () => {
    const attempt = signIn({ mcpURL, ca: issuer.caFile, user: 'alice', password: 'guess' });
    await expect(attempt).rejects.toThrow('Wrong user name or password.');
  });

  test('gives kcp’s audience also when only scope offline_access or nothing of ours is asked for', async () => {
    const signedIn = await signIn({ mcpURL, ca: issuer.caFile, ...alice, scope: 'offline_access' });
    const { payload } = await verify(signedIn.accessToken);
    expect(payload).toMatchObject({ email: 'alice@example.com', groups: ['devs'] });
  });
});

describe('the endpoints', () => {
  test('need PKCE', async () => {
    const clientID = await register({ redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native' });
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientID,
      redirect_uri: 'http://127.0.0.1/callback',
    });
    const response = await http.fetch(`${issuer.issuerURL}/auth?${query.toString()}`, { redirect: 'manual' });
    expect(new URL(response.headers.get('location') ?? '').searchParams.get('error')).toBe('invalid_request');
  });

  test('give the audience and all claims to a client that names neither resource nor scope', async () => {
    const redirectURI = 'http://127.0.0.1:4567/callback';
    const clientID = await register({ redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native' });
    const verifier = 'v'.repeat(43);
    const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
    const { logInByForm } = await import('./browser.ts');
    const query = new URLSearchParams({ response_type: 'code', client_id: clientID, redirect_uri: redirectURI, code_challenge: challenge, code_challenge_method: 'S256' }); // prettier-ignore
    const authorizationURL = new URL(`${issuer.issuerURL}/auth?${query.toString()}`);
    const callback = await logInByForm({ fetch: http.fetch, authorizationURL, redirectURI, ...alice });
    const response = await http.fetch(`${issuer.issuerURL}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'authorization_code', client_id: clientID, redirect_uri: redirectURI, code: callback.searchParams.get('code') ?? '', code_verifier: verifier }), // prettier-ignore
    });
    const tokens = (await response.json()) as { access_token: string; refresh_token: string };
    expect((await verify(tokens.access_token)).payload).toMatchObject({ email: 'alice@example.com', groups: ['devs'] });

    const refreshed = await http.fetch(`${issuer.issuerURL}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientID,
        refresh_token: tokens.refresh_token,
      }),
    });
    const { access_token } = (await refreshed.json()) as { access_token: string };
    expect((await verify(access_token)).payload).toMatchObject({ aud: 'platform-mesh', email: 'alice@example.com' });
  });

  test.each([
    '/reg',
    '/token',
    '/jwks',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
  ])('let a browser client preflight %s', async (path) => {
    const response = await http.fetch(`${issuer.issuerURL}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:6274', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }, // prettier-ignore
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });

  test('let a browser client read the answer to its registration', async () => {
    const response = await http.fetch(`${issuer.issuerURL}/reg`, {
      method: 'POST',
      headers: { origin: 'http://localhost:6274', 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['http://localhost:6274/oauth/callback'],
        token_endpoint_auth_method: 'none',
      }),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });

  test('show the client’s name on the login page as text, not as markup', async () => {
    const redirectURI = 'http://127.0.0.1/callback';
    const clientID = await register({ redirect_uris: [redirectURI], application_type: 'native', client_name: '<script>x</script>' }); // prettier-ignore
    const query = new URLSearchParams({ response_type: 'code', client_id: clientID, redirect_uri: redirectURI, code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' }); // prettier-ignore
    const start = await http.fetch(`${issuer.issuerURL}/auth?${query.toString()}`, { redirect: 'manual' });
    const cookie = start.headers.getSetCookie().map((header) => header.split(';')[0]).join('; '); // prettier-ignore
    const page = await http.fetch(`${issuer.issuerURL}${start.headers.get('location') ?? ''}`, { headers: { cookie } });
    const html = await page.text();
    expect(html).toContain('&#60;script&#62;');
    expect(html).not.toContain('<script>');
  });
});

describe('keys', () => {
  test('survive a restart, and so do registered clients', async () => {
    const token = await signTestToken(issuer);
    const clientID = await register({ redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native' });
    await issuer.stop();
    issuer = await startIssuer({ dir, address: '127.0.0.1', port: ports[0] ?? 0 });
    await http.close();
    http = await trustingFetch(issuer.caFile);
    await expect(verify(token)).resolves.toBeDefined();
    const query = new URLSearchParams({ response_type: 'code', client_id: clientID, redirect_uri: 'http://127.0.0.1/callback', code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' }); // prettier-ignore
    const start = await http.fetch(`${issuer.issuerURL}/auth?${query.toString()}`, { redirect: 'manual' });
    expect(start.headers.get('location')).toMatch(/^\/interaction\//);
  });

  test('rotate: new tokens have a new kid, old ones verify until their key is retired', async () => {
    const before = await signIn({ mcpURL, ca: issuer.caFile, ...alice });
    await issuer.rotateKeys();
    const after = await signIn({ mcpURL, ca: issuer.caFile, ...alice });
    expect(decodeProtectedHeader(after.accessToken).kid).not.toBe(decodeProtectedHeader(before.accessToken).kid);
    await expect(verify(before.accessToken)).resolves.toBeDefined();
    await issuer.rotateKeys({ keepOld: false });
    await expect(verify(before.accessToken)).rejects.toThrow();
    await expect(verify((await signIn({ mcpURL, ca: issuer.caFile, ...alice })).accessToken)).resolves.toBeDefined();
  });
});

test('a hand-signed token verifies, each hostile one does not', async () => {
  await expect(verify(await signTestToken(issuer))).resolves.toBeDefined();
  await expect(verify(await signTestToken(issuer, { alg: 'ES256' }))).resolves.toBeDefined();
  for (const token of Object.values(await hostileTokens(issuer))) await expect(verify(token)).rejects.toThrow();
});

describe('an exchange of tokens (RFC 8693)', () => {
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const confidential = { redirect_uris: [], response_types: [], grant_types: [grant], token_endpoint_auth_method: 'client_secret_post' }; // prettier-ignore

  async function exchange(client: { client_id: string; client_secret?: string }, subject: string, changes = {}) {
    const response = await http.fetch(`${issuer.issuerURL}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: grant, ...client, subject_token: subject, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', audience: 'platform-mesh', ...changes }), // prettier-ignore
    });
    return (await response.json()) as { access_token?: string; error?: string };
  }

  test('gives a confidential client a token for kcp for one that names the client', async () => {
    const client = await registration(confidential);
    const mine = await signTestToken(issuer, { claims: { aud: ['https://mcp.example.com/mcp', client.client_id] } });
    const { access_token: token = '' } = await exchange(client, mine);
    expect((await verify(token)).payload).toMatchObject({ aud: 'platform-mesh', email: 'alice@example.com' });
    expect(await exchange(client, mine, { audience: 'another' })).toMatchObject({ error: 'invalid_target' });
    expect(await exchange({ ...client, client_secret: 'guess' }, mine)).toMatchObject({ error: 'invalid_client' });
    expect(await exchange(client, await signTestToken(issuer))).toMatchObject({ error: 'access_denied' });
    const expired = await signTestToken(issuer, { claims: { aud: client.client_id }, expiresIn: -60 });
    expect(await exchange(client, expired)).toMatchObject({ error: 'invalid_request' });
  });

  test('is refused to a public client', async () => {
    const client = await registration({ ...confidential, token_endpoint_auth_method: 'none' });
    const mine = await signTestToken(issuer, { claims: { aud: client.client_id } });
    expect(await exchange({ client_id: client.client_id }, mine)).toMatchObject({ error: 'invalid_client' });
  });
});

async function register(metadata: Record<string, unknown>): Promise<string> {
  return (await registration(metadata)).client_id;
}

async function registration(metadata: Record<string, unknown>): Promise<{ client_id: string; client_secret?: string }> {
  const response = await http.fetch(`${issuer.issuerURL}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });
  const { client_id, client_secret, ...rest } = (await response.json()) as Record<string, string | undefined>;
  if (client_id === undefined) throw new Error(`registration refused: ${JSON.stringify(rest)}`);
  return { client_id, ...(client_secret === undefined ? {} : { client_secret }) };
}
