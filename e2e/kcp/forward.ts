import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Credentials, PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import type { RequestInfo } from './request-info.ts';
import { isGroupList, rewriteAnswer } from './answers.ts';
import { hideForeignObjects } from './hidden.ts';
import { notAcceptable, sendStatus } from './status.ts';

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
  if (isGroupList(info)) {
    const accept = acceptForGroups(request.headers.accept ?? 'application/json');
    if (accept === undefined) {
      sendStatus(response, notAcceptable());
      return;
    }
    headers['accept'] = accept;
  }
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

/** The path inside the plane, with what kcp doesn't have selected away. */
function planePath(info: RequestInfo, query: URLSearchParams): string {
  hideForeignObjects(info, query);
  const search = query.toString();
  return search === '' ? info.path : `${info.path}?${search}`;
}

/**
 * Strips the aggregated forms of `/apis` from what the caller accepts: kcp has only the plain one.
 *
 * @returns undefined when nothing is left, which kcp answers with 406
 */
function acceptForGroups(accept: string): string | undefined {
  const left = accept.split(',').filter((type) => !/as=APIGroupDiscoveryList/.test(type));
  return left.length > 0 ? left.join(',') : undefined;
}
