import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../auth/principal.ts';
import { authInfoOf, type Mcp } from '../server.ts';
import type { Memo } from './memo.ts';
import { plainCallOf, servePlainCall } from './plain-call.ts';
import { end, goneSignal, sendWhole } from './respond.ts';

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
 * again for the handler to read, which costs a large request three more copies of itself. What is the same for all callers
 * comes from `memo`, and plain calls need no handler.
 */
export async function serveExchange(
  mcp: Mcp,
  memo: Memo,
  req: IncomingMessage,
  res: ServerResponse,
  { principal, url, body, headers, endsWithToken }: Exchange,
): Promise<void> {
  const plain = plainCallOf(req, body);
  if (plain !== undefined) {
    await servePlainCall(mcp.shared, plain, res, { principal, headers });
    return;
  }
  const question = memo.questionOf(req, body);
  const known = question && memo.get(question);
  if (question !== undefined && known !== undefined) {
    await sendWhole(
      res,
      200,
      { ...known.headers, ...headers },
      Buffer.concat([known.before, Buffer.from(question.id), known.after]),
    );
    return;
  }
  const gone = goneSignal(res);
  const left = Math.min(Math.max(0, principal.expiresAt * 1_000 - Date.now()), MAX_DELAY_MS);
  const expiry = endsWithToken ? setTimeout(() => res.destroy(), left).unref() : undefined;
  res.once('close', () => {
    clearTimeout(expiry);
  });
  const request = new Request(url, { method: req.method ?? 'GET', headers: requestHeaders(req), signal: gone });
  const response = await mcp.handler.fetch(request, {
    authInfo: authInfoOf(principal),
    ...(body === undefined ? {} : { parsedBody: question?.body ?? body }),
  });
  if (res.destroyed) return;
  // Whether the connection stays is between Node and the client: the handler's "keep-alive" would overrule a draining server.
  response.headers.delete('connection');
  const { status } = response;
  const own = Object.fromEntries(response.headers);
  try {
    if (question !== undefined) {
      const text = memo.keep(question, { status, headers: own, text: await response.text() });
      await sendWhole(res, status, { ...own, ...headers }, Buffer.from(text));
    } else if (response.body !== null && isStream(response)) {
      res.writeHead(status, { ...own, ...headers });
      await sendParts(res, response.body);
    } else {
      await sendWhole(res, status, { ...own, ...headers }, Buffer.from(await response.arrayBuffer()));
    }
  } catch (error) {
    // A caller that hangs up is no fault; anything else is for `app.ts` to report.
    if (!gone.aborted) throw error;
  }
}

const isStream = ({ headers }: Response) => headers.get('content-type')?.startsWith('text/event-stream') === true;

/** As they come, and no faster than the caller takes them. */
async function sendParts(res: ServerResponse, parts: ReadableStream<Uint8Array>): Promise<void> {
  const reader = parts.getReader();
  res.once('close', () => {
    if (!res.writableFinished) reader.cancel().catch(() => undefined);
  });
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!res.write(part.value)) await drained(res);
  }
  await end(res);
}

/** When there is room to write again, or nobody to write to. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    if (res.destroyed) resolve();
    else res.on('drain', done).on('close', done);
  });
}

function requestHeaders(req: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    // The token is for `verify.ts` alone, and the body isn't sent along.
    if (typeof value === 'string' && name !== 'authorization' && name !== 'content-length') headers.set(name, value);
  }
  return headers;
}
