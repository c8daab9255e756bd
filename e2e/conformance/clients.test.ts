// Others' clients at the real runtime, over HTTPS and with a token: both SDKs, every way to settle on a revision, and the inspector.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { clients, connectMcp, type ClientKind } from '../oidc/connect.ts';
import { trustingFetch } from '../oidc/http.ts';
import { inspect, INSPECTOR_ERAS, resultOf } from './inspector.ts';
import { startFixtureRuntime, type FixtureRuntime } from './runtime.ts';

let runtime: FixtureRuntime;

beforeAll(async () => {
  runtime = await startFixtureRuntime();
});
afterAll(() => runtime.stop());

describe.each(Object.entries(clients) as [ClientKind, string][])('client %s', (kind, era) => {
  const connect = () =>
    connectMcp({ mcpURL: runtime.mcpURL, accessToken: runtime.token, ca: runtime.caFile, client: kind });

  test(`speaks ${era}, lists and calls tools`, async () => {
    const client = await connect();
    expect(client).toMatchObject({ era, serverName: 'kcp-mcp-runtime' });
    const names = (await client.listTools()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['greet', 'kcp_workspaces_list', 'resources_list']));
    expect(await client.callTool('greet', { name: 'kcp' })).toMatchObject({ text: 'Hello, kcp!', isError: false });
    await client.close();
  });

  test('calls a tool whose argument a header has to repeat', async () => {
    const client = await connect();
    await client.listTools();
    expect((await client.callTool('test_mirrored_argument', { region: 'åäö' })).text).toBe('åäö');
    await client.close();
  });

  test('hears of progress', async () => {
    const client = await connect();
    const heard: number[] = [];
    await client.callTool('test_tool_with_progress', {}, { onprogress: ({ progress }) => heard.push(progress) });
    expect(heard).toEqual([0, 50, 100]);
    await client.close();
  });
});

describe.each([
  ['auto', 'is asked by the call that needs a yes', { asked: ['Please provide your information'], text: 'state-ok' }],
  ['legacy', 'is told that it can not be asked', { asked: [], text: 'cannot ask' }],
] as const)('a client in mode %s with a person before it', (mode, does, { asked, text }) => {
  test(does, async () => {
    const http = await trustingFetch(runtime.caFile);
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode }, capabilities: { elicitation: { form: {} } } },
    );
    const heard: string[] = [];
    client.setRequestHandler('elicitation/create', ({ params }) => {
      heard.push(params.message);
      return { action: 'accept', content: {} };
    });
    const requestInit = { headers: { authorization: `Bearer ${runtime.token}` } };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(runtime.mcpURL), { fetch: http.fetch, requestInit }),
    );
    expect((await client.callTool({ name: 'test_elicitation' })).content).toEqual([{ type: 'text', text }]);
    expect(heard).toEqual(asked);
    await client.close();
    await http.close();
  });
});

describe('the inspector', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'inspector-'));
  });
  afterAll(() => {
    rmSync(home, { recursive: true });
  });
  const at = (token?: string) => ({ ...runtime, home, ...(token === undefined ? {} : { token }) });

  test.each(INSPECTOR_ERAS)('lists and calls tools, protocol era %s', async (era, isModern) => {
    const how = ['--transport', 'http', '--protocol-era', era];
    const { tools = [] } = resultOf(await inspect(at(), [...how, '--method', 'tools/list']));
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['greet', 'kcp_workspaces_list']));
    const call = ['--method', 'tools/call', '--tool-name', 'greet', '--tool-arg', 'name=kcp'];
    const { content, _meta } = resultOf(await inspect(at(), [...how, ...call]));
    expect(content).toEqual([{ type: 'text', text: 'Hello, kcp!' }]);
    // Only in 2026-07-28 a result says whose it is.
    expect(_meta?.['io.modelcontextprotocol/serverInfo']?.name).toBe(isModern ? 'kcp-mcp-runtime' : undefined);
  });

  test('finds nothing wrong with the schemas of the tools', async () => {
    resultOf(await inspect(at(), ['--method', 'tools/list', '--strict']));
  });

  test('is refused with the way to sign in, without a token', async () => {
    const { mcpURL, caFile } = runtime;
    const refused = await inspect({ mcpURL, caFile, home }, ['--transport', 'http', '--method', 'tools/list']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('auth_required');
  });

  test('is told at once that the transport of 2024-11-05 is not served', async () => {
    const refused = await inspect(at(), ['--transport', 'sse', '--method', 'tools/list']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('405');
  });

  test('keeps nothing', () => {
    const kept = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(kept.map(({ name }) => name)).toEqual([]);
  });
});
