import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Answers with JSON. */
export function sendJson(res: ServerResponse, status: number, body: object, headers: OutgoingHttpHeaders = {}): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(res.req.method === 'HEAD' ? undefined : text);
}

/** Answers with text; its last line is ended here. */
export function sendText(res: ServerResponse, status: number, text: string, headers: OutgoingHttpHeaders = {}): void {
  res.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(res.req.method === 'HEAD' ? undefined : `${text}\n`);
}

/** Answers the MCP endpoint's callers, who expect JSON-RPC, without an id: the request wasn't read. */
export function sendRpcError(
  res: ServerResponse,
  status: number,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  // -32000: the first of JSON-RPC's codes for errors of the server, as the MCP SDKs use it for what HTTP already says.
  sendJson(res, status, { jsonrpc: '2.0', error: { code: -32_000, message }, id: null }, headers);
}

/** Answers with what is there as a whole. Resolves when it was sent, or its caller has gone. */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Buffer,
): Promise<void> {
  res.writeHead(status, { ...headers, 'content-length': body.length });
  return end(res, body);
}

/** Fires when the caller goes before all of the answer was sent. */
export function goneSignal(res: ServerResponse): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** Ends an answer. Resolves when all of it was sent, or its caller has gone: until then it takes memory. */
export function end(res: ServerResponse, last?: string | Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = () => {
    resolve(undefined);
  };
  if (res.destroyed) done();
  else res.once('close', done).end(last, done);
  return promise;
}
