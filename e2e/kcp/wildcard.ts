import type { IncomingMessage, ServerResponse } from 'node:http';
import { pageOf } from './pages.ts';
import type { RequestInfo } from './request-info.ts';
import { labelMatcher } from './selectors.ts';
import { badRequest, expired, methodNotAllowed, objectNotFound, sendJSON, sendNotFound, sendStatus } from './status.ts';
import { parentClusterOf } from './workspace.ts';
import type { Workspace } from './workspace.ts';
import type { WorkspaceCache, WorkspaceEvent } from './workspace-cache.ts';

export interface WildcardRequest {
  cache: WorkspaceCache;
  /** `*`, or the logical cluster whose objects alone are asked for. */
  cluster: string;
  info: RequestInfo;
  query: URLSearchParams;
}

const bookmarkIntervalMs = 10_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** Answers inside the virtual workspace of APIExport `tenancy.kcp.io`: Workspaces of all logical clusters, read-only. */
export function serveWildcard(request: IncomingMessage, response: ServerResponse, wildcard: WildcardRequest): void {
  const { cache, cluster, info, query } = wildcard;
  if (info.resource !== 'workspaces' || info.group !== 'tenancy.kcp.io' || info.version !== 'v1alpha1') {
    sendNotFound(response);
    return;
  }
  const matchesLabels = labelMatcher(query.get('labelSelector') ?? '');
  const wanted = (object: Workspace): boolean =>
    (cluster === '*' || parentClusterOf(object) === cluster) &&
    (info.name === '' || object.metadata.name === info.name) &&
    matchesLabels(object);
  const shape = shapeFor(request.headers.accept ?? '');
  if (info.verb === 'watch') serveWatch(response, cache, query, wanted, shape);
  else if (info.verb === 'list') serveList(response, cache, query, wanted, shape);
  else if (info.verb === 'get') {
    const object = cache.list().find(wanted);
    if (object && cluster !== '*') sendJSON(response, 200, shape.object(object));
    else sendStatus(response, objectNotFound(info.resource, info.group, info.name));
  } else sendStatus(response, methodNotAllowed());
}

type Wanted = (object: Workspace) => boolean;

interface Shape {
  apiVersion: string;
  listKind: string;
  object(object: Workspace): unknown;
}

/** Whole objects, or only their metadata for clients that ask for no more. */
function shapeFor(accept: string): Shape {
  if (!/as=PartialObjectMetadata/.test(accept)) {
    return { apiVersion: 'tenancy.kcp.io/v1alpha1', listKind: 'WorkspaceList', object: (object) => object };
  }
  const apiVersion = 'meta.k8s.io/v1';
  const object = ({ metadata }: Workspace): unknown => ({ apiVersion, kind: 'PartialObjectMetadata', metadata });
  return { apiVersion, listKind: 'PartialObjectMetadataList', object };
}

function serveList(
  response: ServerResponse,
  cache: WorkspaceCache,
  query: URLSearchParams,
  wanted: Wanted,
  shape: Shape,
): void {
  const page = pageOf(cache.list().filter(wanted), query, cache.version);
  if (!page) {
    sendStatus(response, badRequest('continue key is not valid'));
    return;
  }
  const { apiVersion, listKind: kind } = shape;
  sendJSON(response, 200, {
    apiVersion,
    items: page.items.map((item) => shape.object(item)),
    kind,
    metadata: page.metadata,
  });
}

function serveWatch(
  response: ServerResponse,
  cache: WorkspaceCache,
  query: URLSearchParams,
  wanted: Wanted,
  shape: Shape,
): void {
  const from = Number(query.get('resourceVersion') ?? '0');
  const initial = query.get('sendInitialEvents') === 'true' || (from === 0 && query.get('sendInitialEvents') === null);
  const missed = initial ? [] : cache.since(from);
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
  };
  if (!missed) {
    send('ERROR', expired(`too old resource version: ${from} (${cache.version})`));
    response.end();
    return;
  }
  const bookmark = (annotations?: Record<string, string>): void => {
    send('BOOKMARK', {
      apiVersion: shape.apiVersion,
      kind: shape.listKind.replace(/List$/, ''),
      metadata: {
        resourceVersion: String(cache.version),
        creationTimestamp: null,
        ...(annotations ? { annotations } : {}),
      },
    });
  };
  const change = ({ type, object }: WorkspaceEvent): void => {
    if (wanted(object)) send(type, shape.object(object));
  };
  if (initial) for (const object of cache.list().filter(wanted)) send('ADDED', shape.object(object));
  if (initial && bookmarks && query.get('sendInitialEvents') === 'true') bookmark({ [initialEventsEnd]: 'true' });
  missed.forEach(change);
  const unsubscribe = cache.subscribe(change);
  const timers: NodeJS.Timeout[] = [];
  if (bookmarks) timers.push(setInterval(bookmark, bookmarkIntervalMs));
  const seconds = Number(query.get('timeoutSeconds') ?? '0');
  if (seconds > 0) {
    timers.push(
      setTimeout(() => {
        // kcp sends a last bookmark when a watch runs out.
        if (bookmarks) bookmark();
        response.end();
      }, seconds * 1000),
    );
  }
  response.once('close', () => {
    unsubscribe();
    timers.forEach(clearTimeout);
  });
}
