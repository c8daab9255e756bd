import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { waitFor } from '../../e2e/lib/wait.ts';
import { startTestApp, TOOL, type TestApp } from './testing/app.ts';
import { startTestIssuer, type TestIssuer } from './testing/issuer.ts';

let provider: TestIssuer;
let app: TestApp;
let requestInit: RequestInit;

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());
beforeEach(async () => {
  const greet = {
    name: 'greet',
    arguments: [{ name: 'who' }],
    messages: [{ role: 'user' as const, content: 'Hello {{who}}' }],
  };
  app = await startTestApp(provider, {
    server_instructions: 'Ask the platform team for workspaces.',
    prompts: [greet],
  });
  await waitFor('the keys', () => app.issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
  requestInit = { headers: { authorization: `Bearer ${await provider.sign()}` } };
});
afterEach(() => app.close());

const info = { name: 'test', version: '1' };

async function modern(): Promise<ModernClient> {
  const client = new ModernClient(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new ModernTransport(new URL(`${app.url}/mcp`), { requestInit }));
  return client;
}

async function legacy(path = '/mcp'): Promise<LegacyClient> {
  const client = new LegacyClient(info);
  await client.connect(new LegacyTransport(new URL(`${app.url}${path}`), { requestInit }));
  return client;
}

describe.each<[string, () => Promise<ModernClient | LegacyClient>]>([
  ['2026-07-28', modern],
  ['2025-11-25', () => legacy()],
  ["2025-11-25 at the seed's endpoint", () => legacy('/')],
])('a client of %s', (era, connect) => {
  test('lists and calls tools and completes the workspace', async () => {
    let caller: string | undefined;
    app.probe = (args, { principal }) => {
      caller = principal.username;
      return Promise.resolve({ content: [{ type: 'text', text: JSON.stringify(args) }] });
    };
    const client = (await connect()) as ModernClient;
    expect(client.getServerVersion()).toMatchObject({ name: 'kcp-mcp-runtime', version: '0.0.0-test' });
    expect(client.getInstructions()).toMatch(/kcp_workspaces_list[\s\S]*Ask the platform team for workspaces\.$/);
    const isModern = era.startsWith('2026');
    if (isModern) expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    // A stateless server has no way to tell a client of 2025-11-25 of a change.
    expect(client.getServerCapabilities()?.tools).toEqual({ listChanged: isModern });
    expect((await client.listTools()).tools).toMatchObject([{ name: TOOL.name, inputSchema: TOOL.inputSchema }]);
    expect(await client.callTool({ name: 'probe', arguments: { workspace: 'root' } })).toMatchObject({
      content: [{ type: 'text', text: '{"workspace":"root"}' }],
    });
    expect(caller).toBe('alice@example.com');
    const argument = { name: 'workspace', value: 'root' };
    const completed = await client.complete({ ref: { type: 'ref/prompt', name: 'kcp-workspace-overview' }, argument });
    expect(completed.completion).toMatchObject({ values: ['root:acme'], hasMore: false });
    await client.close();
  });

  test('is offered prompts: the built-in one and those of the configuration', async () => {
    const client = (await connect()) as ModernClient;
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['kcp-workspace-overview', 'greet']);
    expect(prompts[0]).toMatchObject({ arguments: [{ name: 'workspace', required: true }] });
    const greeting = await client.getPrompt({ name: 'greet', arguments: { who: 'you' } });
    expect(greeting.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello you' } }]);
    const message = expect.stringContaining('needs the argument "workspace"') as unknown;
    await expect(client.getPrompt({ name: 'kcp-workspace-overview' })).rejects.toMatchObject({
      code: -32_602,
      message,
    });
    await expect(client.getPrompt({ name: 'nope' })).rejects.toMatchObject({ code: -32_602 });
    await client.close();
  });

  test('is told of a wrong tool by a protocol error, of a failed one by its result', async () => {
    app.probe = () => Promise.resolve({ isError: true, content: [{ type: 'text', text: 'no such workspace' }] });
    const client = (await connect()) as ModernClient;
    await expect(client.callTool({ name: 'nope' })).rejects.toMatchObject({ code: -32_602 });
    expect(await client.callTool({ name: 'probe' })).toMatchObject({ isError: true });
    await client.close();
  });
});

test('any replica answers any request: nothing is kept between requests of a client', async () => {
  const other = await startTestApp(provider);
  await waitFor('the keys', () => other.issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
  const client = await legacy();
  const headers = { ...(requestInit.headers as Record<string, string>), 'mcp-protocol-version': '2025-11-25' };
  const answer = await other.post({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'probe' } }, headers);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('mcp-session-id')).toBeNull();
  await client.close();
  await other.close();
});
