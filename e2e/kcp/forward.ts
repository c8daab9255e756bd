import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Credentials, PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import type { RequestInfo } from './request-info.ts';
import { rewriteAnswer } from './answers.ts';

/** Headers that belong to one connection (RFC 9110 §7.6.1), and those by which callers could pass for somebody else. */
const notForwarded = /^(host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|authorization|x-remote-.*|impersonate-.*)$/; // prettier-ignore

export interface ForwardOptions {
  client: PlaneClient;
  plane: Plane;
  credentials: Credentials;
  info: RequestInfo;
  query: URLSearchParams;
}

/**
 * Passes a request on to a plane and its answer back, as streams; ends the one when the other ends early.
 * What differs between a generic control plane and kcp is put right on the way.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  const { client, plane, credentials, info } = options;
  const aborted = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) aborted.abort();
  });
  const headers = forwardedHeaders(request);
  // kcp answers /apis in the unaggregated form only.
  if (info.path === '/apis' || info.path === '/apis/') headers['accept'] = 'application/json';
  const answer = await client.send(plane.url, credentials, {
    method: request.method ?? 'GET',
    path: planePath(info, options.query),
    headers,
    signal: aborted.signal,
    ...(hasBody(request) ? { body: request } : {}),
  });
  const answerHeaders = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !notForwarded.test(name)),
  ) as Record<string, string | string[]>;
  const rewritten = await rewriteAnswer(info, answer.statusCode, answerHeaders, answer.body);
  if (rewritten !== undefined) {
    response.writeHead(answer.statusCode, { ...answerHeaders, 'content-length': Buffer.byteLength(rewritten) });
    response.end(rewritten);
    return;
  }
  response.writeHead(answer.statusCode, answerHeaders);
  // A watch has no body yet, but its caller waits for the headers.
  response.flushHeaders();
  await pipeline(answer.body as Readable, response, { signal: aborted.signal });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function forwardedHeaders(request: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values && !notForwarded.test(name)) headers[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return headers;
}

/** The path inside the plane. A generic control plane has a namespace more than kcp: it is selected away. */
function planePath(info: RequestInfo, query: URLSearchParams): string {
  const listsNamespaces = info.group === '' && info.resource === 'namespaces' && ['list', 'watch'].includes(info.verb);
  if (listsNamespaces && info.name === '') {
    const selector = query.get('fieldSelector');
    query.set('fieldSelector', [...(selector ? [selector] : []), 'metadata.name!=kube-public'].join(','));
  }
  const search = query.toString();
  return search === '' ? info.path : `${info.path}?${search}`;
}
