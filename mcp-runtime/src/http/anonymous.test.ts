// Where nobody signs in (`require_oauth = false`).
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { RuntimeConfigInput } from '../config/schema.ts';
import { raw, startTestApp, type TestApp } from '../testing/app.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import type { CallContext } from '../tools/index.ts';

let provider: TestIssuer;
let app: TestApp;

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'probe', arguments: {} } };
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());
afterEach(() => app.close());

async function start(settings: Partial<RuntimeConfigInput> = {}): Promise<CallContext['principal'][]> {
  app = await startTestApp(provider, {
    cluster_auth_mode: 'kubeconfig',
    require_oauth: false,
    oauth_audience: undefined,
    authorization_url: undefined,
    oauth_scopes: undefined,
    server_url: undefined,
    bind_address: '0.0.0.0',
    toolset_configs: { kcp: { allowed_hosts: ['mcp.svc', '127.0.0.1'] } },
    ...settings,
  });
  const callers: CallContext['principal'][] = [];
  app.probe = (_, { principal }) => {
    callers.push(principal);
    return Promise.resolve({ content: [] });
  };
  return callers;
}

test.each([
  ['no token', {}],
  ['a token that would be refused', { authorization: 'Bearer garbage' }],
  ['another scheme', { authorization: 'Basic YTpi' }],
])('%s: served, as nobody', async (_, headers) => {
  const callers = await start();
  const response = await app.post(CALL, headers);
  expect(response.status).toBe(200);
  expect(callers).toEqual([expect.objectContaining({ username: 'anonymous', subject: '127.0.0.1' })]);
  expect(callers[0]?.token).toBe('');
});

test('a right token is not looked at: it names nobody and goes nowhere', async () => {
  const callers = await start();
  await app.post(CALL, { authorization: `Bearer ${await provider.sign()}` });
  expect(callers).toMatchObject([{ username: 'anonymous', issuer: '', scopes: [] }]);
  expect(app.logged.text()).not.toContain('alice');
});

test('there is nothing to sign in with: no metadata, no help, no challenge', async () => {
  await start();
  for (const path of [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/help',
  ]) {
    const response = await fetch(`${app.url}${path}`);
    expect(response.status).toBe(404);
    expect(response.headers.get('www-authenticate')).toBeNull();
  }
});

test.each([
  ['Host', { host: 'evil.example.com' }],
  ['Origin', { host: 'mcp.svc', origin: 'https://evil.example.com' }],
  [
    'the page’s own Origin after DNS rebinding',
    { host: 'evil.example.com:8443', origin: 'http://evil.example.com:8443' },
  ],
  ['Origin that only looks right', { host: 'mcp.svc', origin: 'https://mcp.svc' }],
])('%s that is not known: 403', async (_, headers) => {
  const callers = await start();
  const answer = await raw(app, '/mcp', { headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(CALL) });
  expect(answer.status).toBe(403);
  expect(callers).toEqual([]);
});

test('the rate limit is one of the address that calls come from; headers about it are not believed', async () => {
  await start({ http: { rate_limit_rps: 0.001, rate_limit_burst: 2 } });
  const statuses = [];
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    statuses.push((await app.post(CALL, { 'x-forwarded-for': address, authorization: `Bearer ${address}` })).status);
  expect(statuses).toEqual([200, 200, 429]);
});

test('the audit log names nobody, and the address', async () => {
  await start();
  await app.post(CALL);
  expect(app.logged.lines.find(({ log }) => log === 'audit')).toMatchObject({
    user: 'anonymous',
    subject: '127.0.0.1',
  });
});
