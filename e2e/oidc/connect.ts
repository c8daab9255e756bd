import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { trustingFetch } from './http.ts';

/** The two protocol revisions that the runtime serves; clients of both are in use. */
export const eras = ['2025-11-25', '2026-07-28'] as const;
export type Era = (typeof eras)[number];

export interface ConnectOptions {
  mcpURL: string;
  /** Bearer token for every request; none when absent. */
  accessToken?: string;
  /** File with the CA certificates that the endpoint is trusted by; the system's when absent. */
  ca?: string;
  /** `2026-07-28` unless told. */
  era?: Era;
}

/** What tests look at in a tool's result. */
export interface ToolResult {
  /** All text content, joined by newlines. */
  text: string;
  isError: boolean;
  structuredContent: unknown;
}

export interface ToolInfo {
  name: string;
  description?: string | undefined;
  inputSchema: unknown;
  annotations?: { readOnlyHint?: boolean | undefined; destructiveHint?: boolean | undefined } | undefined;
}

/** The part that clients of both eras share. */
export interface McpClient {
  era: Era;
  serverName: string | undefined;
  instructions: string | undefined;
  listTools(): Promise<ToolInfo[]>;
  /** @throws on protocol errors and refused requests; a tool's own failure is `isError` */
  callTool(name: string, args?: Record<string, unknown>, options?: { signal?: AbortSignal }): Promise<ToolResult>;
  close(): Promise<void>;
}

/**
 * Connects a real MCP client over streamable HTTP: the 2.x SDK pinned to 2026-07-28 (it fails rather than fall back), or
 * the 1.x SDK, which knows nothing newer than 2025-11-25.
 */
export async function connectMcp(options: ConnectOptions): Promise<McpClient> {
  const { era = '2026-07-28' } = options;
  const http = await trustingFetch(options.ca);
  try {
    const client =
      era === '2026-07-28' ? await connect2026(options, http.fetch) : await connect2025(options, http.fetch);
    return {
      era,
      serverName: client.getServerVersion()?.name,
      instructions: client.getInstructions(),
      listTools: async () => (await client.listTools()).tools,
      callTool: async (name, args = {}, { signal } = {}) => resultOf(await callTool(client, name, args, signal)),
      close: async () => {
        await client.close();
        await http.close();
      },
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

const clientInfo = { name: 'e2e', version: '0.0.0' };
type FetchLike = Awaited<ReturnType<typeof trustingFetch>>['fetch'];

async function connect2026({ mcpURL, accessToken }: ConnectOptions, fetch: FetchLike): Promise<Client> {
  const client = new Client(clientInfo, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  const authProvider = accessToken === undefined ? {} : { authProvider: { token: () => Promise.resolve(accessToken) } };
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpURL), { fetch, ...authProvider }));
  return client;
}

async function connect2025({ mcpURL, accessToken }: ConnectOptions, fetch: FetchLike): Promise<ClientOf2025> {
  const client = new ClientOf2025(clientInfo);
  const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
  const transport = new TransportOf2025(new URL(mcpURL), { fetch, requestInit: { headers } });
  // Its own type says `sessionId?: string | undefined` where the interface it implements says `sessionId?: string`.
  await client.connect(transport);
  return client;
}

function callTool(client: Client | ClientOf2025, name: string, args: Record<string, unknown>, signal?: AbortSignal) {
  const options = signal ? { signal } : {};
  return client instanceof ClientOf2025
    ? client.callTool({ name, arguments: args }, undefined, options)
    : client.callTool({ name, arguments: args }, options);
}

function resultOf(result: Record<string, unknown>): ToolResult {
  const content = Array.isArray(result['content']) ? (result['content'] as { type: string; text?: string }[]) : [];
  return {
    text: content.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join('\n'),
    isError: result['isError'] === true,
    structuredContent: result['structuredContent'],
  };
}
