import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { requestInfo } from '../../kcp/request-info.ts';
import { forbidden, sendJSON, sendNotFound, sendStatus, unauthorized, workspaceNotFound } from '../../kcp/status.ts';
import { serveWildcard } from '../../kcp/wildcard.ts';
import { WorkspaceCache } from '../../kcp/workspace-cache.ts';
import { answerInside } from './answers.ts';
import type { Answer } from './answers.ts';
import { anonymous, callersOf } from './callers.ts';
import { count, newCounts } from './counts.ts';
import type { Counts } from './counts.ts';
import { discovery } from './discovery.ts';
import type { Discovery } from './discovery.ts';
import { placesOf } from './places.ts';
import type { Place } from './places.ts';
import { recordedBody } from './recordings.ts';
import { isSliceRequest, serveSlices } from './slices.ts';
import type { SyntheticTree } from './tree.ts';

export interface SyntheticOptions {
  tree: SyntheticTree;
  /** Where clients reach it, `https://ADDRESS:PORT`. */
  url: string;
  issuerURL: string;
  tls: { cert: Buffer; key: Buffer };
}

/** A kcp that answers as the recordings do and costs next to nothing, so that what is before it can be measured. */
export interface SyntheticKcp {
  server: Server;
  counts: Counts;
  /** How long every answer is held back, in milliseconds: a real kcp takes its time. */
  delayMs: number;
}

/** The one who may list the Workspaces of all workspaces at once. */
export const indexUser = 'kcp-mcp-index';

const wildcard = /^\/services\/apiexport\/root\/tenancy\.kcp\.io\/clusters\/(?:\*|%2A)(\/.*)$/i;

export function createSyntheticKcp({ tree, url, issuerURL, tls }: SyntheticOptions): SyntheticKcp {
  const places = placesOf(tree, url);
  const apis = discovery(new URL(url).host);
  const index = indexOf(places);
  const callers = callersOf(issuerURL);
  const made = new Map<string, Answer>();
  const counts = newCounts();

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? '/';
    const user = callers(request.headers.authorization);
    const [, reference = '', inside = '/'] = /^\/clusters\/([^/?]+)(\/.*)?$/.exec(target) ?? [];
    const place = places.get(reference) ?? places.get(decodeURIComponent(reference));
    const end = inside.indexOf('?');
    count(counts, end < 0 ? inside : inside.slice(0, end));
    if (target === '/readyz') response.end('ok');
    else if (user === undefined) sendStatus(response, unauthorized());
    else if (target.startsWith('/services/')) serveIndex(request, response, user);
    else if (!place && reference.includes(':')) sendStatus(response, workspaceNotFound(reference));
    else if (!place || place.closed || user === anonymous)
      sendStatus(response, forbidden(user, infoOf(request, inside)));
    else serveInside(request, response, place, inside, user);
  }

  function serveInside(
    request: IncomingMessage,
    response: ServerResponse,
    place: Place,
    inside: string,
    user: string,
  ): void {
    if (request.method === 'POST') {
      void review(request, response, inside, user);
      return;
    }
    if (isSliceRequest(place.path, inside)) {
      if (user === indexUser) serveSlices(request, response, url);
      else sendStatus(response, forbidden(user, infoOf(request, inside)));
      return;
    }
    const { accept = '' } = request.headers;
    const key = `${place.cluster} ${inside} ${accept}`;
    const ready = made.get(key) ?? make(request, place, inside, accept, apis);
    made.set(key, ready);
    response.writeHead(ready.status, {
      'cache-control': 'no-cache, private',
      'content-type': ready.contentType,
      'content-length': ready.body.length,
    });
    response.end(ready.body);
  }

  function serveIndex(request: IncomingMessage, response: ServerResponse, user: string): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const path = wildcard.exec(pathname)?.[1];
    if (path === undefined) sendNotFound(response);
    else {
      const info = requestInfo(request.method ?? '', path, searchParams);
      if (user !== indexUser) sendStatus(response, forbidden(user, info));
      else serveWildcard(request, response, { cache: index, cluster: '*', info, query: searchParams });
    }
  }

  const synthetic: SyntheticKcp = {
    counts,
    delayMs: 0,
    server: createServer({ ...tls, ALPNProtocols: ['http/1.1'], keepAliveTimeout: 90_000 }, (request, response) => {
      if (synthetic.delayMs === 0) serve(request, response);
      else setTimeout(serve, synthetic.delayMs, request, response);
    }),
  };
  synthetic.server.on('secureConnection', () => {
    counts.handshakes++;
  });
  return synthetic;
}

function infoOf({ method = '' }: IncomingMessage, inside: string): ReturnType<typeof requestInfo> {
  const { pathname, searchParams } = new URL(inside, 'https://kcp');
  return requestInfo(method, pathname, searchParams);
}

function make(request: IncomingMessage, place: Place, inside: string, accept: string, apis: Discovery): Answer {
  const { searchParams: query } = new URL(inside, 'https://kcp');
  const found = answerInside(place, { info: infoOf(request, inside), query, accept }, apis);
  return found ?? { status: 404, contentType: 'text/plain; charset=utf-8', body: Buffer.from('404 page not found\n') };
}

/** Who somebody is, and that they may do everything in the workspaces that are open. */
async function review(request: IncomingMessage, response: ServerResponse, inside: string, user: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  if (inside.endsWith('/selfsubjectreviews')) sendJSON(response, 201, selfOf(user));
  else if (inside.endsWith('/selfsubjectaccessreviews')) {
    // Go clients ask in protobuf and take JSON for an answer; what they asked stays unread then.
    const isJSON = request.headers['content-type'] === 'application/json';
    const asked = isJSON ? (JSON.parse(Buffer.concat(chunks).toString()) as { spec: unknown }) : undefined;
    sendJSON(response, 201, { ...(recordedBody('ssar-access-allowed') as object), ...(asked && { spec: asked.spec }) });
  } else sendNotFound(response);
}

function selfOf(user: string): unknown {
  const recorded = recordedBody('selfsubjectreview') as { status: { userInfo: object } };
  return { ...recorded, status: { userInfo: { ...recorded.status.userInfo, username: user } } };
}

/** The Workspaces of all workspaces, for the wildcard list and watch. */
function indexOf(places: ReadonlyMap<string, Place>): WorkspaceCache {
  const cache = new WorkspaceCache();
  for (const { cluster, children } of new Set(places.values())) {
    cache.feed(cluster).listed(children, '17158');
  }
  return cache;
}
