import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { RuntimeConfigInput } from '../config/schema.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { newKey, startTestIssuer, type TestIssuer } from '../testing/issuer.ts';

let provider: TestIssuer;
let app: TestApp;

const SOON = { deadlineMs: 5_000, intervalMs: 5 };
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());
afterEach(() => app.close());

async function start(settings: Partial<RuntimeConfigInput> = {}): Promise<Record<string, string>> {
  app = await startTestApp(provider, settings);
  await waitFor('the keys', () => app.issuer.ready(), SOON);
  return { authorization: `Bearer ${await provider.sign()}` };
}

describe('without a right token', () => {
  test('none: 401 with the way to sign in and no error', async () => {
    await start();
    for (const path of ['/mcp', '/']) {
      const response = await fetch(`${app.url}${path}`, { method: 'POST', body: '{}' });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${METADATA}"`);
    }
    const get = await fetch(`${app.url}/mcp`);
    expect(get.status).toBe(401);
    // What somebody sees who opens the address in a browser.
    expect(await get.text()).toContain('https://mcp.example.com/help');
  });

  test('another scheme counts as none', async () => {
    await start();
    const response = await app.post(LIST, { authorization: 'Basic YTpi' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).not.toContain('error');
  });

  test.each<[string, () => Promise<string> | string, string]>([
    ['garbage', () => 'Bearer garbage', 'the token is not a signed JWT; opaque and encrypted tokens are not accepted'],
    ['two words', () => 'Bearer a b', 'the Authorization header is not \\"Bearer TOKEN\\"'],
    ['expired', async () => `Bearer ${await provider.sign({ exp: 1 })}`, 'the token has expired'],
    [
      'another audience',
      async () => `Bearer ${await provider.sign({ aud: 'x' })}`,
      'aud of the token does not hold platform-mesh: register the client anew and sign in with the scopes openid groups, one of which has to add it at the identity provider (in Keycloak by an audience mapper)',
    ],
    [
      'unknown key',
      async () => `Bearer ${await provider.sign({}, {}, await newKey('x'))}`,
      'the token is signed with a key that the issuer does not publish',
    ],
  ])('%s: 401 that names the cause', async (_, make, cause) => {
    await start();
    const authorization = await make();
    const response = await app.post(LIST, { authorization });
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toBe(
      `Bearer resource_metadata="${METADATA}", error="invalid_token", error_description="${cause}"`,
    );
    const body = (await response.json()) as Record<string, string>;
    expect(body).toMatchObject({ error: 'invalid_token', error_uri: 'https://mcp.example.com/help' });
    expect(challenge + JSON.stringify(body)).not.toContain(authorization);
    for (const part of authorization.split('.').slice(1)) expect(challenge).not.toContain(part);
  });

  test('a missing scope: 403 that names all scopes to ask for', async () => {
    await start({ toolset_configs: { kcp: { required_scopes: ['mcp:use'] } } });
    const refused = await app.post(LIST, { authorization: `Bearer ${await provider.sign({ scope: 'openid' })}` });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${METADATA}", error="insufficient_scope", error_description="the token lacks scope mcp:use", scope="openid groups mcp:use"`,
    );
    for (const claims of [{ scope: 'openid mcp:use' }, { scp: ['mcp:use'] }]) {
      const accepted = await app.post(LIST, { authorization: `Bearer ${await provider.sign(claims)}` });
      expect(accepted.status).toBe(200);
    }
  });

  test('keys that were never loaded: 503, for signing in again would not help', async () => {
    provider.down = true;
    app = await startTestApp(provider);
    const response = await app.post(LIST, { authorization: `Bearer ${await provider.sign()}` });
    provider.down = false;
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('www-authenticate')).toBeNull();
  });
});

describe('public documents', () => {
  test.each(['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp'])(
    '%s',
    async (path) => {
      await start({ toolset_configs: { kcp: { required_scopes: ['mcp:use'] } } });
      const response = await fetch(`${app.url}${path}`, { headers: { origin: 'https://anywhere.example.com' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.json()).toEqual({
        resource: 'https://mcp.example.com/mcp',
        authorization_servers: [provider.url],
        scopes_supported: ['openid', 'groups', 'mcp:use'],
        bearer_methods_supported: ['header'],
        resource_name: 'kcp',
        resource_documentation: 'https://mcp.example.com/help',
      });
      const preflight = await fetch(`${app.url}${path}`, {
        method: 'OPTIONS',
        headers: { origin: 'https://anywhere.example.com' },
      });
      expect(preflight.status).toBe(204);
    },
  );

  test('a server_url with a path has its metadata where RFC 9728 §3.1 puts it', async () => {
    await start({ server_url: 'https://example.com/kcp/' });
    const refused = await fetch(`${app.url}/kcp/mcp`, { method: 'POST', body: '{}' });
    const url = 'https://example.com/.well-known/oauth-protected-resource/kcp/mcp';
    expect(refused.headers.get('www-authenticate')).toContain(url);
    const document = await (await fetch(`${app.url}${new URL(url).pathname}`)).json();
    expect(document).toMatchObject({ resource: 'https://example.com/kcp/mcp' });
    for (const path of ['/help', '/kcp/help']) expect((await fetch(`${app.url}${path}`)).status).toBe(200);
  });

  test('the page for people tells issuer, scopes and audience, and the cures of what happens before a token is there', async () => {
    await start({ toolset_configs: { kcp: { required_scopes: ['mcp:use'] } } });
    const response = await fetch(`${app.url}/help`, { headers: { origin: 'https://anywhere.example.com' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const page = await response.text();
    expect(page).toContain(`Identity provider   ${provider.url}`);
    expect(page).toContain('Scopes to ask for   openid groups mcp:use');
    expect(page).toContain('Audience of tokens  platform-mesh');
    expect(page).toContain("Policy 'Trusted Hosts' rejected request");
  });

  test("the issuer's metadata is passed on, with registration unless that is switched off", async () => {
    provider.metadata = { registration_endpoint: `${provider.url}/register` };
    await start();
    const path = '/.well-known/oauth-authorization-server';
    expect(await (await fetch(`${app.url}${path}`)).json()).toMatchObject({
      issuer: provider.url,
      ...provider.metadata,
    });
    await app.close();
    await start({ disable_dynamic_client_registration: true });
    expect(await (await fetch(`${app.url}${path}`)).json()).not.toHaveProperty('registration_endpoint');
    provider.metadata = {};
  });

  test('/healthz with and without a token, whatever the Host; other paths are not found', async () => {
    const headers = await start({ bind_address: '0.0.0.0' });
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${app.url}/healthz`, { headers })).status).toBe(200);
    expect((await fetch(`${app.url}/healthz`, { headers: { authorization: 'Bearer garbage' } })).status).toBe(200);
    expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${app.url}/mcp/..%2fx`)).status).toBe(404);
  });
});
