import type { Era } from '../../oidc/connect.ts';
import type { PlannedRequest } from './plan.ts';

/** An MCP request and who sends it. */
export interface McpRequest {
  method: 'tools/list' | 'tools/call';
  /** With `tools/call`. */
  tool?: string;
  arguments?: Record<string, unknown>;
  token: string;
  /** 2025-11-25 unless told: the one that both servers speak. */
  era?: Era;
}

/** What a request of 2026-07-28 says about its client, as there is no session that knows it. */
const client = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** The POST to `/mcp` that a client of that era would send, without a handshake before it: both servers are stateless. */
export function mcpRequest({
  method,
  tool,
  arguments: args = {},
  token,
  era = '2025-11-25',
}: McpRequest): PlannedRequest {
  const params = {
    ...(tool !== undefined && { name: tool, arguments: args }),
    ...(era === '2026-07-28' && { _meta: client }),
  };
  const modern = { 'mcp-method': method, ...(tool !== undefined && { 'mcp-name': tool }) };
  return {
    method: 'POST',
    path: '/mcp',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': era,
      ...(era === '2026-07-28' && modern),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  };
}

/** A GET straight to kcp. */
export function kcpRequest(path: string, token: string, accept = 'application/json'): PlannedRequest {
  return { method: 'GET', path, headers: { accept, authorization: `Bearer ${token}` } };
}
