import {
  createMcpHandler,
  isInputRequiredResult,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolRequest,
  type CallToolResult,
  type InputRequiredResult,
  type McpHttpHandler,
  type McpRequestContext,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { plain } from './audit.ts';
import type { Principal } from './auth/principal.ts';
import { callTool } from './calls.ts';
import { withinDeadline } from './deadline.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { describePrompt, PromptArgumentError, renderPrompt } from './prompts.ts';
import type { Seal } from './seal.ts';
import type { Service } from './service.ts';
import { createSharedServer, type SharedServer } from './shared-server.ts';

export interface McpOptions {
  /** The service in force when a request comes. */
  readonly service: () => Service;
  /** The seal in force when a request comes. */
  readonly seal: () => Seal;
  readonly version: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Adds to the server of one request what the service has none of, such as resources; handlers set here replace ours. */
  readonly extend?: (server: McpServer['server'], own: OwnHandling) => void;
}

/** What an extension can hand on to. */
export interface OwnHandling {
  readonly callTool: (request: CallToolRequest, call: ServerContext) => Promise<CallToolResult | InputRequiredResult>;
  readonly seal: () => Seal;
}

/** How long a client may keep the tool list (2026-07-28): it only changes with the configuration. */
const CACHE = { ttlMs: 60_000, cacheScope: 'private' } as const;
/** The default one builds an Ajv per server, that is per request, to check answers to elicitations of 2025, which we never send. */
const NO_VALIDATION = {
  getValidator: () => {
    throw new Error('no request is sent to clients');
  },
};
/** Open `subscriptions/listen` streams: clients may hold one each, to be told of a changed tool list. */
const MAX_SUBSCRIPTIONS = 256;
/** The protocol's most for one completion answer. */
const MAX_COMPLETIONS = 100;

/** Passes the caller through the SDK, which hands `authInfo` on untouched. */
export function authInfoOf(principal: Principal) {
  // The SDK wants a token; nothing reads it, so it gets the token's name instead.
  return {
    token: principal.tokenHash,
    clientId: principal.subject,
    scopes: [...principal.scopes],
    extra: { principal },
  };
}

function principalOf({ http }: ServerContext): Principal {
  const principal = http?.authInfo?.extra?.['principal'];
  if (principal === undefined) throw new Error('an MCP request came without a verified caller');
  return principal as Principal;
}

/** What MCP requests are given to. */
export interface Mcp {
  /** Serves whatever comes by HTTP, in both eras. */
  readonly handler: McpHttpHandler;
  /** Serves requests of 2025-11-25 alone, with what HTTP has to do done. */
  readonly shared: SharedServer;
  close(): Promise<void>;
}

/**
 * Serves MCP in both eras (2025-11-25 and 2026-07-28), statelessly: nothing is kept between requests, so any replica answers
 * any of them.
 */
export async function createMcp(options: McpOptions): Promise<Mcp> {
  const { log } = options;
  // Most of these errors are mistakes of clients, who were told already.
  const onerror = (error: Error) => {
    log.debug('MCP request refused or failed', { error: plain(error.message) });
  };
  const build = ({ era }: McpRequestContext) => createServer(options, era === 'modern');
  const handler = createMcpHandler(build, { legacy: 'stateless', maxSubscriptions: MAX_SUBSCRIPTIONS, onerror });
  const legacy = createServer(options, false);
  legacy.server.onerror = onerror;
  const shared = await createSharedServer(legacy);
  return {
    handler,
    shared,
    async close() {
      await Promise.all([handler.close(), shared.close()]);
    },
  };
}

/** A server over the same precomputed tool list as all of them. @param modern whether it serves 2026-07-28. */
function createServer(options: McpOptions, modern: boolean): McpServer {
  const { version, log, metrics } = options;
  const mcp = new McpServer(
    { name: 'kcp-mcp-runtime', title: 'kcp', version },
    {
      // Of a changed list only those can be told who listen (`subscriptions/listen`, 2026-07-28).
      capabilities: { tools: { listChanged: modern }, prompts: { listChanged: modern }, completions: {} },
      instructions: options.service().instructions,
      cacheHints: { 'tools/list': CACHE, 'prompts/list': CACHE, 'server/discover': CACHE },
      jsonSchemaValidator: NO_VALIDATION,
      requestState: { verify: (sealed, call) => options.seal().open(sealed, call) },
      // Asking a client of 2025 takes a session.
      inputRequired: { legacyShim: false },
    },
  );
  // What the SDK holds `Mcp-Param-*` headers against; of itself it knows tools that are registered with it, and ours aren't.
  mcp.toolInputSchemaJson = (name) => options.service().mirrored.get(name);
  // The low-level server: McpServer itself would convert every tool's schema again for each request.
  const { server } = mcp;
  server.setRequestHandler('tools/list', () => ({ tools: options.service().tools }));
  const handleCall: OwnHandling['callTool'] = async ({ params }, call) => {
    const service = options.service();
    const principal = principalOf(call);
    const result = await callTool({ log, metrics, service, seal: options.seal(), principal, call, params, modern });
    if (isInputRequiredResult(result)) return result;
    return server.projectCallToolResult(result, service.byName.get(params.name)?.outputSchema);
  };
  server.setRequestHandler('tools/call', handleCall);
  server.setRequestHandler('prompts/list', () => ({
    prompts: [...options.service().prompts.values()].map(describePrompt),
  }));
  server.setRequestHandler('prompts/get', ({ params }) => getPrompt(options.service(), params));
  server.setRequestHandler('completion/complete', ({ params }, call) =>
    complete(options.service(), principalOf(call), params.argument, call),
  );
  options.extend?.(server, { callTool: handleCall, seal: options.seal });
  return mcp;
}

function getPrompt({ prompts }: Service, params: { name: string; arguments?: Record<string, string> | undefined }) {
  const prompt = prompts.get(params.name);
  if (prompt === undefined) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${params.name.slice(0, 100)}`);
  }
  try {
    return renderPrompt(prompt, params.arguments);
  } catch (error) {
    if (!(error instanceof PromptArgumentError)) throw error;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
  }
}

async function complete(
  { toolset, timeoutMs }: Service,
  principal: Principal,
  argument: { name: string; value: string },
  call: ServerContext,
) {
  const values = await withinDeadline(call.mcpReq.signal, timeoutMs, (signal) =>
    toolset.complete(argument.name, argument.value, { principal, signal }),
  );
  const shown = values.slice(0, MAX_COMPLETIONS);
  return { completion: { values: shown, total: values.length, hasMore: shown.length < values.length } };
}
