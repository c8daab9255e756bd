import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AccessGate } from './access.ts';
import { callerOf } from './caller.ts';
import { forward } from './forward.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Pki } from './pki.ts';
import type { Registry } from './registry.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { LogEntry, RequestLog } from './request-log.ts';
import { forbidden, pathNotFound, sendStatus, unauthorized, unavailable, workspaceNotFound } from './status.ts';
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

export const anonymous = 'system:anonymous';

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
  const { request, response, url } = exchange;
  if (/^\/(healthz|livez|readyz)$/.test(url.pathname)) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
    return;
  }
  const inWorkspace = /^\/clusters\/([^/]+)(\/.*)?$/.exec(url.pathname);
  if (inWorkspace) {
    const reference = decodeURIComponent(inWorkspace[1] ?? '');
    exchange.entry.workspace = reference;
    const info = requestInfo(request.method ?? '', inWorkspace[2] ?? '/', url.searchParams);
    await serveWorkspace(exchange, options, reference, info);
  } else if (url.pathname.startsWith('/services/')) await serveVirtualWorkspace(exchange, options);
  else sendStatus(response, pathNotFound());
}

async function serveWorkspace(
  exchange: Exchange,
  options: FrontOptions,
  reference: string,
  info: RequestInfo,
): Promise<void> {
  const { request, response, entry, url } = exchange;
  const { client, registry, gate } = options;
  const caller = callerOf(request);
  if (caller.kind === 'refused') {
    sendStatus(response, unauthorized());
    return;
  }
  const cluster = registry.resolve(reference);
  // Who can't be authenticated learns nothing of what exists: any plane can tell, root's is always there.
  const plane = registry.planeOf(cluster ?? rootCluster);
  if (!plane) {
    sendStatus(response, unavailable('kcp is starting'));
    return;
  }
  if (caller.kind === 'anonymous') {
    entry.user = anonymous;
    sendStatus(response, cluster === undefined ? workspaceNotFound(reference) : forbidden(anonymous, info));
    return;
  }
  const verdict = await gate.enter(plane, caller.credentials, caller.key);
  if (verdict.unauthorized) {
    sendStatus(response, unauthorized());
    return;
  }
  entry.user = verdict.user;
  if (cluster === undefined) sendStatus(response, workspaceNotFound(reference));
  else if (!verdict.allowed) sendStatus(response, forbidden(verdict.user, info));
  else {
    const { credentials } = caller;
    await forward(request, response, { client, plane, credentials, info, query: url.searchParams });
    if (info.group === 'rbac.authorization.k8s.io' && request.method !== 'GET') gate.forget(plane);
  }
}
