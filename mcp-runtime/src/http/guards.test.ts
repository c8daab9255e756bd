import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { RuntimeConfigInput } from '../config/schema.ts';
import { raw, startTestApp, type TestApp } from '../testing/app.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';

let provider: TestIssuer;
let app: TestApp;

const SOON = { deadlineMs: 5_000, intervalMs: 5 };
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

describe('guards', () => {
  test('two Authorization headers', async () => {
    const { authorization = '' } = await start();
    const answer = await raw(app, '/mcp', { headers: { authorization: [authorization, 'Bearer other'] as never } });
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
    expect((await raw(app, '/mcp', { headers: { host } })).status).toBe(status);
  });

  test('loopback names are Hosts where only loopback is served', async () => {
    await start({ bind_address: '127.0.0.1' });
    expect((await raw(app, '/mcp', { headers: { host: 'localhost:8443' } })).status).toBe(401);
  });

  test.each([
    ['https://inspector.example.com', 401],
    ['https://mcp.example.com', 401],
    ['http://inspector.example.com', 403],
    ['https://inspector.example.com:8443', 403],
    ['null', 403],
  ])('Origin %s: %d', async (origin, status) => {
    await start({ toolset_configs: { kcp: { allowed_origins: ['https://inspector.example.com'] } } });
    const answer = await raw(app, '/mcp', { headers: { origin } });
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
    const preflight = await raw(app, '/mcp', { method: 'OPTIONS', headers: asked });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization, mcp-param-x',
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    });
    const refused = await raw(app, '/mcp', { headers: { origin } });
    expect(refused.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
    const foreign = await raw(app, '/mcp', {
      method: 'OPTIONS',
      headers: { ...asked, origin: 'https://evil.example.com' },
    });
    expect(foreign.status).toBe(403);
  });

  test('a body that is too large, declared or not', async () => {
    const headers = await start({ http: { max_body_bytes: 1_000 } });
    const body = JSON.stringify(call({ workspace: 'x'.repeat(1_000) }));
    expect((await app.post(body, headers)).status).toBe(413);
    const chunked = await raw(app, '/mcp', { headers: { ...headers, 'transfer-encoding': 'chunked' }, body });
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
