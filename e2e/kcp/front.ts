import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AccessGate } from './access.ts';
import { authenticate } from './authenticate.ts';
import { beginExchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { asksForHome, serveHome } from './home.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { MountProxy } from './mount.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Pki } from './pki.ts';
import type { Registry } from './registry.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { RequestLog } from './request-log.ts';
import { badRequest, forbidden, sendStatus, unavailable, workspaceNotFound } from './status.ts';
import { serveVirtualWorkspace } from './virtual-workspace.ts';

export interface FrontOptions {
  address: string;
  port: number;
  pki: Pki;
  client: PlaneClient;
  registry: Registry;
  gate: AccessGate;
  lifecycle: Lifecycle;
  mounts: MountProxy;
  /** `https://ADDRESS:PORT` */
  url: string;
  log: RequestLog;
}

const healthPaths = new Set(['/healthz', '/livez', '/readyz']);
/** A logical cluster or a path of them, or all (kcp's own pattern). */
const clusterPattern = /^(?:\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*)$/;

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
  const mount = registry.mountAt(reference);
  if (mount !== undefined) {
    await options.mounts.forward(request, response, `${mount}${info.path}${url.search}`);
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
  else if (asksForHome(cluster, info)) {
    await serveHome(response, { registry, lifecycle: options.lifecycle, user: caller.user, url: options.url });
  } else {
    await forward(request, response, { client, plane, credentials: caller.credentials, info, query: url.searchParams });
    if (info.group === 'rbac.authorization.k8s.io' && request.method !== 'GET') gate.forget(plane);
  }
}

function sendOk(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
}
