import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import type { RuntimeConfigInput } from '../config/schema.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
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

/** What a request of 2026-07-28 carries in place of a session. */
function modernCall() {
  const { params, ...rest } = call();
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return { ...rest, params: { ...params, _meta } };
}

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

  // The eras differ: one is answered by a stream at once, the other when there is a result.
  test.each([
    ['2025-11-25', call(), {}],
    [
      '2026-07-28',
      modernCall(),
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'probe' },
    ],
  ])('ends when its caller goes away (%s)', async (_, message, era) => {
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
      headers: {
        ...headers,
        ...era,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(message),
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

  test('finds a place, or is told to come back: one caller does not take all places', async () => {
    const headers = await start();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let started = 0;
    app.probe = async () => {
      started++;
      await promise;
      return { content: [] };
    };
    const batch = Array.from({ length: 100 }, (_, id) => ({ ...call(), id }));
    const first = app.post(batch, headers).then((response) => response.text());
    await waitFor('the batch', () => started === 100, SOON);
    const refused = await app.post(batch, headers);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    await refused.text();
    const bob = { authorization: `Bearer ${await provider.sign({ sub: 'bob-id' })}` };
    const second = app.post(call(), bob).then((response) => response.text());
    await waitFor("bob's call", () => started === 101, SOON);
    resolve(undefined);
    await Promise.all([first, second]);
    expect((await app.post(batch, headers)).status).toBe(200);
  });
});

test('a subscription ends with the token that opened it', async () => {
  await start();
  const token = await provider.sign({ exp: Math.floor(Date.now() / 1_000) + 1 });
  const { _meta } = modernCall().params;
  const params = { _meta, notifications: { toolsListChanged: true } };
  const response = await app.post(
    { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params },
    {
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
  );
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  await expect(response.text()).rejects.toThrow('terminated');
});
