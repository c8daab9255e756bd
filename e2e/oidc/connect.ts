import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { trustingFetch } from './http.ts';

/** The two protocol revisions that the runtime serves; clients of both are in use. */
export const eras = ['2025-11-25', '2026-07-28'] as const;
export type Era = (typeof eras)[number];

/** Clients in use, by SDK and how they settle on a revision, and the one that each settles on with the runtime. */
export const clients = {
  '1.x': '2025-11-25',
  '2.x': '2025-11-25',
  '2.x auto': '2026-07-28',
  '2.x pinned': '2026-07-28',
} as const satisfies Record<string, Era>;
export type ClientKind = keyof typeof clients;

export interface ConnectOptions {
  mcpURL: string;
  /** Bearer token for every request; none when absent. */
  accessToken?: string;
  /** File with the CA certificates that the endpoint is trusted by; the system's when absent. */
  ca?: string;
  /** `2026-07-28` unless told: the 2.x SDK pinned to it; for `2025-11-25` the 1.x SDK, which knows nothing newer. */
  era?: Era;
  /** Another client than that of `era`. */
  client?: ClientKind;
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

export interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (progress: { progress: number; total?: number | undefined }) => void;
}

/** The part that clients of both eras share. */
export interface McpClient {
  /** As negotiated. */
  era: string | undefined;
  serverName: string | undefined;
  instructions: string | undefined;
  listTools(): Promise<ToolInfo[]>;
  /** @throws on protocol errors and refused requests; a tool's own failure is `isError` */
  callTool(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>;
  close(): Promise<void>;
}

/** Connects a real MCP client over streamable HTTP. A pinned one fails rather than fall back. */
export async function connectMcp(options: ConnectOptions): Promise<McpClient> {
  const { era = '2026-07-28', client: kind = era === '2026-07-28' ? '2.x pinned' : '1.x' } = options;
  const http = await trustingFetch(options.ca);
  try {
    const { client, protocolVersion } =
      kind === '1.x' ? await connect1(options, http.fetch) : await connect2(kind, options, http.fetch);
    return {
      era: protocolVersion,
      serverName: client.getServerVersion()?.name,
      instructions: client.getInstructions(),
      listTools: async () => (await client.listTools()).tools,
      callTool: async (name, args = {}, each = {}) => resultOf(await callTool(client, name, args, each)),
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

/** What the 2.x SDK is told; without a word it speaks the old revision. */
const negotiation = {
  '2.x': {},
  '2.x auto': { versionNegotiation: { mode: 'auto' } },
  '2.x pinned': { versionNegotiation: { mode: { pin: '2026-07-28' } } },
} as const;

async function connect2(kind: keyof typeof negotiation, { mcpURL, accessToken }: ConnectOptions, fetch: FetchLike) {
  const client = new Client(clientInfo, negotiation[kind]);
  const authProvider = accessToken === undefined ? {} : { authProvider: { token: () => Promise.resolve(accessToken) } };
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpURL), { fetch, ...authProvider }));
  return { client, protocolVersion: client.getNegotiatedProtocolVersion() };
}

async function connect1({ mcpURL, accessToken }: ConnectOptions, fetch: FetchLike) {
  const client = new ClientOf2025(clientInfo);
  const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
  const transport = new TransportOf2025(new URL(mcpURL), { fetch, requestInit: { headers } });
  // Its own type says `sessionId?: string | undefined` where the interface it implements says `sessionId?: string`.
  await client.connect(transport);
  return { client, protocolVersion: transport.protocolVersion };
}

function callTool(client: Client | ClientOf2025, name: string, args: Record<string, unknown>, options: CallOptions) {
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
