import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJSONRPCRequest, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/server';
import type { Principal } from '../auth/principal.ts';
import { isObject } from '../kcp/json.ts';
import { authInfoOf } from '../server.ts';
import type { SharedServer } from '../shared-server.ts';
import { end, goneSignal, sendWhole } from './respond.ts';

const VERSIONS = new Set([undefined, '2025-03-26', '2025-06-18', '2025-11-25']);
/** Headers and members that say more than a plain call: the handler knows what. */
const MORE_HEADERS = ['mcp-method', 'mcp-name', 'mcp-session-id', 'last-event-id'];
const MEMBERS = new Set(['jsonrpc', 'id', 'method', 'params']);

/**
 * The request where it is a plain one: a single `tools/call` of 2025-11-25 or before, in the form in which clients send it. All
 * else, and whatever may be wrong, is for the handler.
 */
export function plainCallOf(
  { method, headers }: Pick<IncomingMessage, 'headers' | 'method'>,
  body: unknown,
): JSONRPCRequest | undefined {
  if (method !== 'POST' || !isObject(body) || body['method'] !== 'tools/call' || !isJSONRPCRequest(body))
    return undefined;
  const { params } = body;
  if (params === undefined || !Object.keys(body).every((name) => MEMBERS.has(name))) return undefined;
  // Of what `_meta` may hold, the keys of 2026-07-28 make it a request of that revision.
  const { _meta: meta } = params;
  if (meta !== undefined && !(isObject(meta) && Object.keys(meta).every((key) => key === 'progressToken')))
    return undefined;
  const { accept = '', 'content-type': type, 'mcp-protocol-version': version } = headers;
  if (type !== 'application/json' || !accept.includes('application/json') || !accept.includes('text/event-stream')) {
    return undefined;
  }
  if (Array.isArray(version) || !VERSIONS.has(version) || MORE_HEADERS.some((name) => name in headers))
    return undefined;
  return body;
}

/** How long an answer may take until its caller gets a stream that it comes on, so that nobody on the way gives up. */
const PATIENCE_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;
const STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/**
 * Serves a plain call: with JSON where the answer is there soon, else with a stream of events. Resolves when the answer was sent
 * or its caller has gone, which cancels the call.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
 */
export async function servePlainCall(
  shared: SharedServer,
  request: JSONRPCRequest,
  res: ServerResponse,
  { principal, headers }: { principal: Principal; headers: Readonly<Record<string, string>> },
): Promise<void> {
  const gone = goneSignal(res);
  let alive: NodeJS.Timeout | undefined;
  const stream = () => {
    if (res.headersSent) return;
    res.writeHead(200, { ...STREAM, ...headers }).flushHeaders();
    alive = setInterval(() => res.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
  };
  const patience = setTimeout(stream, PATIENCE_MS);
  const notify = (message: JSONRPCMessage) => {
    if (gone.aborted) return;
    stream();
    res.write(event(message));
  };
  try {
    const answer = await shared.request(request, { authInfo: authInfoOf(principal), signal: gone, notify });
    if (res.headersSent) await end(res, event(answer));
    else
      await sendWhole(
        res,
        200,
        { 'content-type': 'application/json', ...headers },
        Buffer.from(JSON.stringify(answer)),
      );
  } catch (error) {
    // A caller that hangs up is no fault; anything else is for `app.ts` to report.
    if (!gone.aborted) throw error;
  } finally {
    clearTimeout(patience);
    clearInterval(alive);
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function event(message: JSONRPCMessage): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
