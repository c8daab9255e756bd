// What people meet when their realm isn't set up for it yet: each refusal, and where its cure is found.
import { describe, expect, test } from '@jest/globals';
import { TRUSTED_ORIGIN } from '../keycloak/environment.ts';
import { metadataOf, post, quoted, register, registered, send, signInAs, state } from './support.ts';

/** The page that the metadata names (RFC 9728, resource_documentation). */
async function helpPage(): Promise<string> {
  const { resource_documentation: url } = await metadataOf(state.passthrough);
  const { status, text } = await send(url as string);
  expect(status).toBe(200);
  return text;
}

const TRUSTED_HOSTS = "Policy 'Trusted Hosts' rejected request to client-registration service";
const ALLOWED_SCOPES = "Policy 'Allowed Client Scopes' rejected request to client-registration service";

describe('policy Trusted Hosts', () => {
  test('a redirect address elsewhere: the client shows Keycloak’s words, and they are found with their cure', async () => {
    const redirectURI = 'https://assistant.example.com/callback';
    const attempt = signInAs('alice', state.passthrough, { redirectURI });
    await expect(attempt).rejects.toThrow(
      quoted(`${TRUSTED_HOSTS}. Details: URI doesn't match any trusted host or trusted domain`),
    );
    await expect(attempt).rejects.toThrow('403');
    const help = await helpPage();
    expect(help).toContain(TRUSTED_HOSTS);
    expect(help).toMatch(/add that host to the policy/);
  });

  test('a redirect address of IPv6 loopback is elsewhere, too', async () => {
    const { status, text } = await register(state.issuerURL, { redirect_uris: ['http://[::1]:4000/callback'] });
    expect(status).toBe(403);
    expect(text).toContain("URI doesn't match any trusted host");
    quoted('`http://[::1]…`');
  });

  test('a sender elsewhere', async () => {
    const redirect_uris = ['https://assistant.example.com/callback'];
    const { status, text } = await register(state.strictIssuerURL, { redirect_uris });
    expect(status).toBe(403);
    expect(text).toContain(quoted(`${TRUSTED_HOSTS}. Details: Host not trusted.`));
    expect(await helpPage()).toContain('"Host not trusted"');
  });

  test('the way round it: a client that somebody made needs no registration', async () => {
    const { accessToken } = await signInAs('alice', state.passthrough, {
      client: { client_id: 'kcp', issuer: state.issuerURL },
    });
    expect((await post(state.passthrough, accessToken)).status).toBe(200);
  });
});

test('policy Allowed Client Scopes: a scope that clients may not register with', async () => {
  const { status, text } = await register(state.issuerURL, { scope: 'openid profile' });
  expect(status).toBe(403);
  expect(text).toContain(quoted(`${ALLOWED_SCOPES}. Details: Not permitted to use specified clientScope`));
  expect(await helpPage()).toContain(ALLOWED_SCOPES);
});

test('a client in a browser: its page may not register', async () => {
  const { status, text } = await register(state.issuerURL, {}, { origin: 'http://localhost:6274' });
  expect(status).toBe(403);
  expect(JSON.parse(text)).toEqual({ error: 'Invalid origin' });
  quoted('Invalid origin');
  expect(await helpPage()).toContain('"Invalid origin" (403)');
  // The cure: its origin in a policy of this type.
  quoted('registration-web-origins');
  expect((await register(state.issuerURL, {}, { origin: TRUSTED_ORIGIN })).status).toBe(201);
});

test('a login that asks for what the client was not registered with', async () => {
  const client = await registered('openid email');
  await expect(signInAs('alice', state.passthrough, { client })).rejects.toThrow(/invalid_scope: Invalid scopes/);
  quoted('invalid_scope');
  expect(await helpPage()).toContain('"invalid_scope" at sign-in');
});

describe('a token without the audience', () => {
  test('is refused with the claim and the scopes to ask for; what it holds instead is not repeated', async () => {
    const { accessToken } = await signInAs('alice', state.passthrough, { scope: 'openid email' });
    const { status, headers, text } = await post(state.passthrough, accessToken);
    expect(status).toBe(401);
    const description = quoted('aud of the token does not hold kcp');
    const cure = 'sign in with the scopes openid email groups kcp-audience';
    const challenge = headers.get('www-authenticate') ?? '';
    expect(challenge).toContain('error="invalid_token"');
    expect(challenge).toContain(description);
    expect(challenge).toContain(cure);
    expect(challenge).toContain('audience mapper');
    const { resource_documentation: help } = await metadataOf(state.passthrough);
    expect(JSON.parse(text)).toMatchObject({ error: 'invalid_token', error_uri: help });
  });

  test('nor is one for another server: its audience stays its own affair', async () => {
    const { accessToken } = await signInAs('alice', state.exchange.mcpURL);
    const { status, headers } = await post(state.passthrough, accessToken);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).not.toContain(state.exchange.mcpURL);
  });
});
