import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { McpHttpHandler } from '@modelcontextprotocol/server';
import type { Principal } from '../auth/principal.ts';
import { authInfoOf } from '../server.ts';

export interface Exchange {
  readonly principal: Principal;
  /** The request's address as clients know it. */
  readonly url: string;
  /** The body parsed as JSON; undefined where there is none or it isn't JSON. */
  readonly body: unknown;
  /** Added to whatever the handler answers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends with the token at the latest, as what stays open has to: nobody is known, and no token kept, beyond its `exp`. */
  readonly endsWithToken: boolean;
}

/** The longest that Node's timers take. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Hands a Node request to the web-standard MCP handler and writes its answer. Resolves when the answer was sent or its caller
 * has gone; the handler's signal fires in the latter case.
 *
 * Does what `toNodeHandler` of `@modelcontextprotocol/node` does, but for a body that was parsed already: that one writes it out
 * again for the handler to read, which costs a large request three more copies of itself.
 */
export async function serveExchange(
  mcp: McpHttpHandler,
  req: IncomingMessage,
  res: ServerResponse,
  { principal, url, body, headers, endsWithToken }: Exchange,
): Promise<void> {
  const gone = new AbortController();
  const left = Math.min(Math.max(0, principal.expiresAt * 1_000 - Date.now()), MAX_DELAY_MS);
  const expiry = endsWithToken ? setTimeout(() => res.destroy(), left).unref() : undefined;
  res.once('close', () => {
    clearTimeout(expiry);
    if (!res.writableFinished) gone.abort();
  });
  const request = new Request(url, { method: req.method ?? 'GET', headers: requestHeaders(req), signal: gone.signal });
  const response = await mcp.fetch(request, {
    authInfo: authInfoOf(principal),
    ...(body === undefined ? {} : { parsedBody: body }),
  });
  if (res.destroyed) return;
  // Whether the connection stays is between Node and the client: the handler's "keep-alive" would overrule a draining server.
  response.headers.delete('connection');
  res.writeHead(response.status, { ...Object.fromEntries(response.headers), ...headers });
  if (response.body === null) {
    res.end();
    return;
  }
  try {
    await pipeline(Readable.fromWeb(response.body), res);
  } catch (error) {
    // A caller that hangs up is no fault; anything else is for `app.ts` to report.
    if (!gone.signal.aborted) throw error;
  }
}

function requestHeaders(req: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    // The token is for `verify.ts` alone, and the body isn't sent along.
    if (typeof value === 'string' && name !== 'authorization' && name !== 'content-length') headers.set(name, value);
  }
  return headers;
}
