import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AccessGate } from './access.ts';
import { callerOf } from './caller.ts';
import { forward } from './forward.ts';
import type { Credentials, PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import type { Pki } from './pki.ts';
import type { Registry } from './registry.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { LogEntry, RequestLog } from './request-log.ts';
import { badRequest, forbidden, sendStatus, unauthorized, unavailable, workspaceNotFound } from './status.ts';
import { serveVirtualWorkspace } from './virtual-workspace.ts';
import { rootCluster } from './workspace.ts';

export interface FrontOptions {
  address: string;
  port: number;
  pki: Pki;
  client: PlaneClient;
  registry: Registry;
  gate: AccessGate;
  log: RequestLog;
}

const anonymous = 'system:anonymous';
const healthPaths = new Set(['/healthz', '/livez', '/readyz']);
/** A logical cluster or a path of them, or all (kcp's own pattern). */
const clusterPattern = /^(?:\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*)$/;

/** One request on its way through the front. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  entry: LogEntry;
}

/** Serves kcp's address: everything that a caller sees of the stand-in passes here. */
export async function serveFront(options: FrontOptions): Promise<{ close(): Promise<void> }> {
  const { front, clientCA } = options.pki;
  const [cert, key, ca] = await Promise.all(
    [front.certFile, front.keyFile, clientCA.certFile].map((file) => readFile(file)),
  );
  // A certificate is asked for, never insisted on: most callers have a token.
  const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...tls, keepAliveTimeout: 90_000, requestTimeout: 0 }, (request, response) => {
    const exchange = beginExchange(request, response, options.log);
    route(exchange, options).catch((error: unknown) => {
      // The caller went away, or the plane did.
      if (!response.destroyed)
        sendStatus(response, unavailable(error instanceof Error ? error.message : 'unavailable'));
    });
  });
  server.listen(options.port, options.address);
  await once(server, 'listening');
  return {
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function beginExchange(request: IncomingMessage, response: ServerResponse, log: RequestLog): Exchange {
  const started = Date.now();
  const url = new URL(`https://kcp${request.url ?? '/'}`);
  const entry: LogEntry = { time: '', method: request.method ?? '', path: url.pathname, status: 0, durationMs: 0 };
  if (url.search !== '') entry.query = url.search.slice(1);
  const userAgent = request.headers['user-agent'];
  if (userAgent !== undefined) entry.userAgent = userAgent;
  response.once('close', () => {
    entry.time = new Date().toISOString();
    entry.durationMs = Date.now() - started;
    entry.status = response.headersSent ? response.statusCode : 0;
    if (!response.writableFinished) entry.aborted = true;
    log.write(entry);
  });
  return { request, response, url, entry };
}

async function route(exchange: Exchange, options: FrontOptions): Promise<void> {
  const { request, url } = exchange;
  const inWorkspace = /^\/clusters\/([^/]+)(\/.*)?$/.exec(url.pathname);
  if (inWorkspace) {
    const reference = decodeURIComponent(inWorkspace[1] ?? '');
    exchange.entry.workspace = reference;
    const info = requestInfo(request.method ?? '', inWorkspace[2] ?? '/', url.searchParams);
    await serveWorkspace(exchange, options, reference, info);
  } else if (url.pathname.startsWith('/services/')) await serveVirtualWorkspace(exchange, options);
  else await serveOutside(exchange, options);
}

/** Outside of workspaces there is nothing but health, not even for an admin. */
async function serveOutside(exchange: Exchange, options: FrontOptions): Promise<void> {
  const { request, response, url } = exchange;
  const info = requestInfo(request.method ?? '', url.pathname, url.searchParams);
  if (healthPaths.has(info.path)) sendOk(response);
  else {
    const caller = await authenticate(exchange, options);
    if (caller) sendStatus(response, forbidden(caller.user, info));
  }
}

async function serveWorkspace(
  exchange: Exchange,
  options: FrontOptions,
  reference: string,
  info: RequestInfo,
): Promise<void> {
  const { request, response, url } = exchange;
  const { client, registry, gate } = options;
  const cluster = registry.resolve(reference);
  if (!clusterPattern.test(reference)) {
    sendStatus(response, badRequest(`invalid cluster: "${reference}" does not match the regex`));
    return;
  }
  // A path is looked up before its caller is known; a lone name could be any id, and ids are not for guessing.
  if (cluster === undefined && reference.includes(':')) {
    sendStatus(response, workspaceNotFound(reference));
    return;
  }
  const plane = cluster === undefined ? undefined : registry.planeOf(cluster);
  const caller = await authenticate(exchange, options, plane);
  if (!caller) return;
  if (healthPaths.has(info.path)) sendOk(response);
  else if (!plane || !caller.credentials || !caller.mayEnter) sendStatus(response, forbidden(caller.user, info));
  else {
    await forward(request, response, { client, plane, credentials: caller.credentials, info, query: url.searchParams });
    if (info.group === 'rbac.authorization.k8s.io' && request.method !== 'GET') gate.forget(plane);
  }
}

/** A caller whose name is known. */
export interface AuthenticatedCaller {
  user: string;
  /** Whether the caller may enter the workspace that was asked about. */
  mayEnter: boolean;
  /** Absent for the anonymous. */
  credentials?: Credentials;
  key: string;
}

/**
 * Finds out who calls, and whether they may enter a workspace (root, where none is given). Answers 401 itself, and
 * returns undefined then.
 */
export async function authenticate(
  { request, response, entry }: Exchange,
  { registry, gate }: FrontOptions,
  workspace?: Plane,
): Promise<AuthenticatedCaller | undefined> {
  const caller = callerOf(request);
  // Any plane can tell who it is; root's is always there.
  const plane = workspace ?? registry.planeOf(rootCluster);
  if (caller.kind === 'anonymous') {
    entry.user = anonymous;
    return { user: anonymous, mayEnter: false, key: '' };
  }
  const verdict =
    caller.kind === 'known' && plane ? await gate.enter(plane, caller.credentials, caller.key) : undefined;
  if (caller.kind === 'refused' || !verdict || verdict.unauthorized) {
    sendStatus(response, unauthorized());
    return undefined;
  }
  entry.user = verdict.user;
  return { user: verdict.user, mayEnter: verdict.allowed, credentials: caller.credentials, key: caller.key };
}

function sendOk(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
}
