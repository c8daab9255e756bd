import { constants } from 'node:crypto';
import { createServer as createHttpServer, type Server as HttpServer, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { RuntimeConfig } from '../config/schema.ts';
import type { App } from './app.ts';
import type { ServedCertificate } from './tls.ts';

export type PublicServer = HttpServer | HttpsServer;

const MAX_HEADER_BYTES = 32 * 1024;
/** How long a client may take to send a whole request, in milliseconds. */
const RECEIVE_TIMEOUT_MS = 60_000;
/** Longer than load balancers keep an idle connection, so that they close it and not we just as they use it. */
const KEEP_ALIVE_MS = 75_000;
/** Connections at one time, those of strangers too: each takes 55 KiB with TLS, so 1,000 would go over a Pod's 128 MiB. */
const MAX_CONNECTIONS = 512;

/** Creates the server of the public port: HTTPS with a certificate, plain HTTP without one (`require_tls` has been checked). */
export function createPublicServer(
  config: Pick<RuntimeConfig, 'http'>,
  certificate: ServedCertificate | undefined,
  app: App,
): PublicServer {
  const options: ServerOptions = {
    headersTimeout: config.http.read_header_timeout,
    requestTimeout: Math.max(RECEIVE_TIMEOUT_MS, config.http.read_header_timeout),
    // How often the two are looked at; Node's 30 s would make a 10 s limit 40 s.
    connectionsCheckingInterval: Math.min(2_000, config.http.read_header_timeout),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server =
    certificate === undefined ? createHttpServer(options, app.handle) : createSecure(options, certificate, app);
  server.maxConnections = MAX_CONNECTIONS;
  // Anybody can hold a connection open with one refused request a minute: where there's no room, the idle ones go.
  server.on('drop', () => {
    server.closeIdleConnections();
  });
  return server;
}

function createSecure(options: ServerOptions, certificate: ServedCertificate, app: App): HttpsServer {
  const tls = { ...contextOf(certificate), ALPNProtocols: ['http/1.1'], handshakeTimeout: options.headersTimeout };
  return createHttpsServer({ ...options, ...tls }, app.handle);
}

/** Serves new connections with another certificate; those that are open keep theirs. */
export function setCertificate(server: PublicServer, certificate: ServedCertificate): void {
  if (server instanceof HttpsServer) server.setSecureContext(contextOf(certificate));
}

/** One handshake a connection: in TLS 1.2 a client may ask for more, each dearer to us than to it. */
function contextOf({ cert, key, minVersion }: ServedCertificate): SecureContextOptions {
  return { cert, key, minVersion, secureOptions: constants.SSL_OP_NO_RENEGOTIATION };
}

/** Listens. @throws what Node says (`EADDRINUSE`, …). */
export async function listen(server: HttpServer, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen(port, host, () => {
    resolve(undefined);
  });
  await promise;
  server.off('error', reject);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/**
 * Ends serving without cutting anybody off: no new connections, calls under way finish, the rest is closed.
 *
 * @param patienceMs how long calls may still take, in milliseconds.
 * @returns whether all of them finished.
 */
export async function drainServer(server: PublicServer, app: App, patienceMs: number): Promise<boolean> {
  app.drain();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const { promise: timeUp, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, patienceMs, false);
  const finished = await Promise.race([app.idle().then(() => true), timeUp]);
  clearTimeout(timer);
  // What is left: subscriptions, keep-alive connections and, after patience ran out, calls.
  server.closeAllConnections();
  await closed;
  return finished;
}
