/** Many watches on few connections: HTTP/2 streams, for servers that speak it (docs/adr/0025). */
import http2 from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import type { HttpRequest, HttpResponse } from './exchange.ts';

/** Streams on one connection; no more than the server allows (kube-apiserver: 100 unless it is told otherwise). */
const MAX_STREAMS = 100;
/** Room for what a server sends before we read: one busy watch must not hold up the others of its connection. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** How long a connection without streams stays. */
const IDLE_MS = 1_000;
/** A watch has a bookmark about every minute: a connection that was silent for longer may be dead, and gets no new ones. */
const SILENT_MS = 70_000;
/** A stream that was given up without an answer after so long: perhaps nobody is there. */
const UNANSWERED_MS = 5_000;

/** How often a stream is tried that was refused. */
const ATTEMPTS = 3;
const NO_ERROR = http2.constants.NGHTTP2_NO_ERROR;
/** What servers answer to a stream beyond their limit. */
const REFUSALS = new Set([http2.constants.NGHTTP2_REFUSED_STREAM, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM]);

export interface Streams {
  /** Undefined where the server doesn't speak HTTP/2: nothing was sent. Rejects with the errors of Node's sockets and streams. */
  request(request: HttpRequest): Promise<HttpResponse | undefined>;
  /** Takes nothing new; each connection goes with its last stream. */
  retire(): void;
  /** Breaks everything off. */
  destroy(): void;
}

interface Connection {
  session: ClientHttp2Session;
  streams: number;
  limit: number;
  heardAt: number;
  /** Takes no more streams: it is closing, or seems to be dead. */
  spent: boolean;
  cancelIdle: () => void;
}

export function createStreams(credentials: Credentials, clock: Clock, connectTimeoutMs: number): Streams {
  const connections = new Set<Connection>();
  let connecting: Promise<Connection | undefined> | undefined;
  let retired = false;
  let destroyed = false;

  async function open(): Promise<Connection | undefined> {
    const socket = await connectTLS(credentials, connectTimeoutMs);
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return undefined;
    }
    const session = http2.connect(credentials.server, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      maxSessionMemory: 64,
    });
    const heardAt = clock.monotonic();
    const connection = { session, streams: 0, limit: MAX_STREAMS, heardAt, spent: false, cancelIdle: nothing };
    const spend = (): void => {
      connection.spent = true;
    };
    // Its streams fail with it, and tell whoever reads them.
    session.on('error', spend);
    session.on('goaway', spend);
    session.on('close', () => {
      spend();
      connection.cancelIdle();
      connections.delete(connection);
    });
    try {
      await once(session, 'remoteSettings', { signal: AbortSignal.timeout(connectTimeoutMs) });
    } catch (error) {
      session.destroy();
      throw error;
    }
    if (destroyed) session.destroy();
    else session.setLocalWindowSize(CONNECTION_WINDOW);
    connection.limit = Math.min(MAX_STREAMS, session.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS);
    connections.add(connection);
    return connection;
  }

  function isFree({ spent, streams, limit, heardAt }: Connection): boolean {
    return !spent && streams < limit && (streams === 0 || clock.monotonic() - heardAt < SILENT_MS);
  }

  /** A connection with room for one more, for which it counts already. */
  async function take(): Promise<Connection | undefined> {
    for (;;) {
      const connection = [...connections].find(isFree);
      if (connection) {
        connection.cancelIdle();
        connection.streams += 1;
        return connection;
      }
      connecting ??= open().finally(() => (connecting = undefined));
      if (!(await connecting)) return undefined;
    }
  }

  function leave(connection: Connection): void {
    connection.streams -= 1;
    if (connection.streams > 0) return;
    if (connection.spent || retired) connection.session.close();
    else {
      connection.cancelIdle = clock.after(IDLE_MS, () => {
        connection.spent = true;
        connection.session.close();
      });
    }
  }

  function start(connection: Connection, { method, path, headers, signal, refusal }: HttpRequest): ClientHttp2Stream {
    try {
      signal.throwIfAborted();
      const reason = refusal?.();
      if (reason) throw reason;
      const pseudo = { ':method': method, ':path': path, ':authority': new URL(credentials.server).host };
      return connection.session.request({ ...pseudo, ...headers }, { endStream: true, signal });
    } catch (error) {
      if (connection.session.destroyed || connection.session.closed) connection.spent = true;
      leave(connection);
      throw error;
    }
  }

  function answer(connection: Connection, stream: ClientHttp2Stream): Promise<HttpResponse> {
    const askedAt = clock.monotonic();
    return new Promise((resolve, reject) => {
      let answered = false;
      // For good: an error that comes when nobody reads any more is no reason to end the process.
      stream.on('error', (error) => {
        reject(REFUSALS.has(stream.rstCode) ? refused() : error);
      });
      stream.on('response', (headers) => {
        answered = true;
        connection.heardAt = clock.monotonic();
        resolve({
          statusCode: Number(headers[':status']),
          headers,
          read: (onChunk) => read(stream, connection, clock, onChunk),
        });
      });
      stream.on('close', () => {
        if (!answered && clock.monotonic() - askedAt > UNANSWERED_MS) connection.spent = true;
        leave(connection);
        reject(REFUSALS.has(stream.rstCode) ? refused() : broken());
      });
    });
  }

  return {
    async request(request) {
      for (let attempt = 1; ; attempt++) {
        const connection = await take();
        if (!connection) return undefined;
        try {
          return await answer(connection, start(connection, request));
        } catch (error) {
          // It was not looked at, and may be sent again (RFC 9113 §8.7), to another connection.
          if (!isRefused(error) || attempt === ATTEMPTS || request.signal.aborted) throw error;
          connection.spent = true;
        }
      }
    },
    retire() {
      retired = true;
      for (const { session } of connections) session.close();
    },
    destroy() {
      retired = destroyed = true;
      for (const { session } of connections) session.destroy();
    },
  };
}

/** By events: an iterator would cost each of a thousand watches more memory than all else of it. */
function read(
  stream: ClientHttp2Stream,
  connection: Connection,
  clock: Clock,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // To Node a stream whose connection broke has ended, too: why is known once it is closed.
    const finish = (): void => {
      if (stream.rstCode === NO_ERROR && !stream.errored && !connection.session.destroyed) resolve();
      else reject(stream.errored ?? broken());
    };
    if (stream.destroyed) finish();
    else stream.on('close', finish);
    let hasThrown = false;
    stream.on('data', (chunk: Buffer) => {
      // More may be under way; what comes after something that couldn't be taken must not be taken for the next.
      if (hasThrown) return;
      connection.heardAt = clock.monotonic();
      try {
        onChunk(chunk);
      } catch (error) {
        hasThrown = true;
        reject(error instanceof Error ? error : new Error(String(error)));
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    });
  });
}

const fault = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const broken = (): Error => fault('ECONNRESET', 'the stream was broken off');
const refused = (): Error => fault('ERR_HTTP2_REFUSED', 'the server took no more streams');
const isRefused = (error: unknown): boolean => (error as { code?: string }).code === 'ERR_HTTP2_REFUSED';

function nothing(): void {
  // there is nothing to cancel
}

/** A connection on which server and client have agreed on a protocol (ALPN, RFC 7301). */
function connectTLS(credentials: Credentials, timeoutMs: number): Promise<tls.TLSSocket> {
  const { hostname, port } = new URL(credentials.server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const servername = credentials.servername ?? (isIP(host) ? undefined : host);
  const socket = tls.connect({
    host,
    port: Number(port || 443),
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: credentials.insecure !== true,
    ...(servername !== undefined && { servername }),
    ...(credentials.ca !== undefined && { ca: credentials.ca }),
    ...(credentials.cert !== undefined && { cert: credentials.cert }),
    ...(credentials.key !== undefined && { key: credentials.key }),
  });
  socket.setKeepAlive(true, 15_000);
  return new Promise((resolve, reject) => {
    socket.setTimeout(timeoutMs, () => {
      socket.destroy(fault('ETIMEDOUT', `no connection within ${timeoutMs} ms`));
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
