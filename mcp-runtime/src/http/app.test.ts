import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
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
const call = (args = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'probe', arguments: args },
});

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

/** Sends headers that `fetch` doesn't let through; returns status, headers and body. */
async function raw(
  path: string,
  {
    method = 'POST',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string | string[]>; body?: string },
) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: string;
  }>();
  const sent = rawRequest(`${app.url}${path}`, { method, headers }, (res) => {
    let text = '';
    res.on('data', (chunk: Buffer) => (text += chunk.toString()));
    res.on('end', () => {
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text });
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
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
  });

  test('another scheme counts as none', async () => {
    await start();
    const response = await app.post(LIST, { authorization: 'Basic YTpi' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).not.toContain('error');
  });

  test.each<[string, () => Promise<string> | string, string]>([
    ['garbage', () => 'Bearer garbage', 'the token is not a signed JWT'],
    ['two words', () => 'Bearer a b', 'the Authorization header is not \\"Bearer TOKEN\\"'],
    ['expired', async () => `Bearer ${await provider.sign({ exp: 1 })}`, 'the token has expired'],
    [
      'another audience',
      async () => `Bearer ${await provider.sign({ aud: 'x' })}`,
      'aud of the token does not hold platform-mesh',
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
    expect(body['error']).toBe('invalid_token');
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

describe('guards', () => {
  test('two Authorization headers', async () => {
    const { authorization = '' } = await start();
    const answer = await raw('/mcp', { headers: { authorization: [authorization, 'Bearer other'] as never } });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('authorization was sent more than once');
  });

  test.each([
    ['mcp.example.com', 401],
    ['mcp.example.com:8443', 401],
    ['MCP.example.com', 401],
    ['mcp.svc', 401],
    ['localhost', 403],
    ['127.0.0.1', 403],
    ['evil.example.com', 403],
    ['mcp.example.com.evil.example.com', 403],
  ])('Host %s: %d', async (host, status) => {
    await start({ bind_address: '0.0.0.0', toolset_configs: { kcp: { allowed_hosts: ['mcp.svc'] } } });
    expect((await raw('/mcp', { headers: { host } })).status).toBe(status);
  });

  test('loopback names are Hosts where only loopback is served', async () => {
    await start({ bind_address: '127.0.0.1' });
    expect((await raw('/mcp', { headers: { host: 'localhost:8443' } })).status).toBe(401);
  });

  test.each([
    ['https://inspector.example.com', 401],
    ['https://mcp.example.com', 401],
    ['http://inspector.example.com', 403],
    ['https://inspector.example.com:8443', 403],
    ['null', 403],
  ])('Origin %s: %d', async (origin, status) => {
    await start({ toolset_configs: { kcp: { allowed_origins: ['https://inspector.example.com'] } } });
    const answer = await raw('/mcp', { headers: { origin } });
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe(status === 401 ? origin : undefined);
  });

  test('preflight needs no token, and pages may read the challenge', async () => {
    await start({ toolset_configs: { kcp: { allowed_origins: ['https://inspector.example.com'] } } });
    const origin = 'https://inspector.example.com';
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, mcp-param-x',
    };
    const preflight = await raw('/mcp', { method: 'OPTIONS', headers: asked });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization, mcp-param-x',
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    });
    const refused = await raw('/mcp', { headers: { origin } });
    expect(refused.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
    const foreign = await raw('/mcp', { method: 'OPTIONS', headers: { ...asked, origin: 'https://evil.example.com' } });
    expect(foreign.status).toBe(403);
  });

  test('a body that is too large, declared or not', async () => {
    const headers = await start({ http: { max_body_bytes: 1_000 } });
    const body = JSON.stringify(call({ workspace: 'x'.repeat(1_000) }));
    expect((await app.post(body, headers)).status).toBe(413);
    const chunked = await raw('/mcp', { headers: { ...headers, 'transfer-encoding': 'chunked' }, body });
    expect(chunked.status).toBe(413);
    expect((await app.post(call(), headers)).status).toBe(200);
  });

  test('headers that do not come to an end', async () => {
    await start({ http: { read_header_timeout: '50ms' } });
    const { port } = new URL(app.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('POST /mcp HTTP/1.1\r\nHost: mcp.example.com\r\nX-Slow: ');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toContain('408');
  });

  test('a caller who comes too often, but not the others', async () => {
    const headers = await start({ http: { rate_limit_rps: 0.001, rate_limit_burst: 2 } });
    expect((await app.post(LIST, headers)).status).toBe(200);
    expect((await app.post(LIST, headers)).status).toBe(200);
    const refused = await app.post(LIST, {
      authorization: `Bearer ${await provider.sign({ jti: 'another token of the same caller' })}`,
    });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const other = await app.post(LIST, { authorization: `Bearer ${await provider.sign({ sub: 'bob' })}` });
    expect(other.status).toBe(200);
  });

  test.each(['PUT', 'PATCH'])('%s is no method of MCP', async (method) => {
    const headers = await start();
    expect((await fetch(`${app.url}/mcp`, { method, headers, body: '{}' })).status).toBe(405);
  });
});

describe('a call', () => {
  const auditLines = () => app.logged.lines.filter((line) => line['log'] === 'audit');

  test('is audited: who, tool, workspace, object, result, duration; neither arguments nor tokens', async () => {
    const headers = await start();
    app.probe = (_, context) => {
      context.audit({
        workspace: 'root:acme',
        object: 'Secret db/\u202epassw\u0007ord\u001b[31m',
        result: 'forbidden',
      });
      return Promise.resolve({ isError: true, content: [] });
    };
    await (await app.post(call({ workspace: 'hunter2' }), headers)).text();
    expect(auditLines()).toEqual([
      expect.objectContaining({
        level: 'info',
        user: 'alice@example.com',
        subject: 'alice-id',
        tool: 'probe',
        workspace: 'root:acme',
        object: 'Secret db/password[31m',
        result: 'forbidden',
        duration_ms: expect.any(Number),
      }),
    ]);
    expect(app.logged.text()).not.toContain('hunter2');
    expect(app.logged.text()).not.toContain(headers['authorization']?.slice(-20));
  });

  test('is counted by tool and result, never by caller or workspace', async () => {
    const headers = await start();
    await (await app.post(call({ workspace: 'root:acme' }), headers)).text();
    const text = await app.metrics.registry.metrics();
    expect(text).toContain('kcp_mcp_runtime_tool_calls_total{tool="probe",result="ok"} 1');
    expect(text).not.toMatch(/alice|acme/);
  });

  test('ends when its caller goes away', async () => {
    const headers = await start();
    let aborted = false;
    let started = false;
    app.probe = (_, { signal }) => {
      started = true;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        });
      });
    };
    const gone = new AbortController();
    const answer = fetch(`${app.url}/mcp`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(call()),
      signal: gone.signal,
    }).then((response) => response.text());
    await waitFor('the call', () => started, SOON);
    gone.abort();
    await expect(answer).rejects.toThrow();
    await waitFor('the cancellation', () => aborted && auditLines().length > 0, SOON);
    expect(auditLines()).toEqual([expect.objectContaining({ result: 'cancelled' })]);
  });

  test('ends when its time is up, even if the tool does not listen', async () => {
    const headers = await start({ toolset_configs: { kcp: { request_timeout: '50ms' } } });
    app.probe = () => new Promise(() => undefined);
    const text = await (await app.post(call(), headers)).text();
    expect(text).toContain('took longer than 0.05 s');
    expect(text).toContain('"isError":true');
    expect(auditLines()).toEqual([expect.objectContaining({ result: 'timeout' })]);
  });

  test('that fails by a fault of ours says nothing of it to the caller', async () => {
    const headers = await start();
    app.probe = () => Promise.reject(new Error('boom at 10.0.0.1'));
    const text = await (await app.post(call(), headers)).text();
    expect(text).toContain('internal error');
    expect(text).not.toContain('10.0.0.1');
    expect(app.logged.text()).toContain('boom at 10.0.0.1');
  });

  test('of something that is not JSON is a parse error', async () => {
    const headers = await start();
    const response = await app.post('{"jsonrpc"', headers);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('-32700');
  });

  test('of a form is refused', async () => {
    const headers = await start();
    const response = await app.post(LIST, { ...headers, 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
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
