/** Connections to the API server: pooled, kept alive, and renewed when the credentials on disk change. */
import { Agent } from 'undici';
import { tlsFingerprint } from './credentials.ts';
import type { Credentials, CredentialsSource } from './credentials.ts';
import type { Clock } from './clock.ts';
import { exchange } from './exchange.ts';
import type { HttpRequest, HttpResponse } from './exchange.ts';
import { createStreams } from './streams.ts';
import type { Streams } from './streams.ts';
import type { Logger } from './types.ts';

/** How long credentials are used before the disk is looked at again. Tokens of Pods are renewed long before they expire. */
const RECHECK_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** An API server that is merely slow must not be given handshakes to do on top. */
const SUSPECT_MS = 5_000;
/** Below the idle timeout of the API server, so that a request never meets a connection that is being closed. */
const KEEP_ALIVE_MS = 30_000;

export interface TransportRequest extends HttpRequest {
  body?: string | undefined;
  /** Watches have connections of their own, so that they can't starve the calls. */
  watch?: boolean;
}

export interface TransportOptions {
  source: CredentialsSource;
  initial: Credentials;
  connections: number;
  userAgent: string;
  clock: Clock;
  logger: Logger;
}

export interface Transport {
  request(request: TransportRequest): Promise<HttpResponse>;
  /** Reads the credentials again; true when they changed. For the 401 of a token that expired early. */
  refresh(): Promise<boolean>;
  /**
   * A call got no answer in time. Where packets are dropped all kept-alive connections are dead without knowing, and each
   * would cost another call its time: calls that begin from now on get new ones.
   */
  suspect(): void;
  close(): Promise<void>;
}

interface Connections {
  origin: string;
  /** Of every path; most servers have none. */
  prefix: string;
  calls: Agent;
  /** Undefined once the server was found not to speak HTTP/2: then each watch has a connection. */
  streams: Streams | undefined;
  watches: Agent;
}

export function createTransport(options: TransportOptions): Transport {
  const { source, clock, logger } = options;
  let credentials = options.initial;
  let fingerprint = tlsFingerprint(credentials);
  let connections = connect(credentials, options);
  /** Retired but still in use by watches or calls under way. */
  const retired = new Set<Agent>();
  const retiredStreams = new Set<Streams>();
  let checkedAt = clock.monotonic();
  let checking: Promise<boolean> | undefined;
  let suspectedAt = -Infinity;

  async function check(): Promise<boolean> {
    let next: Credentials;
    try {
      next = await source.read();
    } catch (error) {
      // the files may be half-way through being replaced; what we have may well be good still
      logger.warn('credentials of the API server could not be read again', { error: (error as Error).message });
      return false;
    } finally {
      checkedAt = clock.monotonic();
    }
    const changed = tlsFingerprint(next) !== fingerprint;
    const newHeaders = JSON.stringify(next.headers) !== JSON.stringify(credentials.headers);
    credentials = next;
    if (changed) {
      fingerprint = tlsFingerprint(next);
      retire(connections.calls);
      retire(connections.watches);
      connections.streams?.retire();
      if (connections.streams) retiredStreams.add(connections.streams);
      connections = connect(next, options);
      logger.info('credentials of the API server changed; connections renewed');
    }
    return changed || newHeaders;
  }

  /** What is under way on it ends as it would have. */
  function retire(agent: Agent): void {
    retired.add(agent);
    void agent.close().finally(() => retired.delete(agent));
  }

  function refresh(): Promise<boolean> {
    checking ??= check().finally(() => (checking = undefined));
    return checking;
  }

  return {
    refresh,
    suspect() {
      if (clock.monotonic() - suspectedAt < SUSPECT_MS) return;
      suspectedAt = clock.monotonic();
      retire(connections.calls);
      connections = { ...connections, calls: connectCalls(credentials, options.connections) };
    },
    async request({ method, path, headers, body, signal, refusal, watch = false }) {
      if (clock.monotonic() - checkedAt > RECHECK_MS) await refresh();
      const { origin, prefix } = connections;
      const target = {
        path: prefix + path,
        method,
        headers: { 'user-agent': options.userAgent, ...credentials.headers, ...headers },
        signal,
        refusal,
      };
      const used = connections;
      if (watch && used.streams) {
        const streamed = await used.streams.request(target);
        if (streamed) return streamed;
        used.streams = undefined;
      }
      return exchange(watch ? used.watches : used.calls, origin, { ...target, body });
    },
    async close() {
      for (const streams of retiredStreams) streams.destroy();
      connections.streams?.destroy();
      await Promise.all([connections.calls, connections.watches, ...retired].map((agent) => agent.destroy()));
    },
  };
}

function connect(
  credentials: Credentials,
  { connections, clock }: Pick<TransportOptions, 'connections' | 'clock'>,
): Connections {
  const watches = new Agent({ ...agentOptions(credentials), connections: null, keepAliveTimeout: 1_000 });
  const isTLS = credentials.server.startsWith('https:');
  const streams = isTLS ? createStreams(credentials, clock, CONNECT_TIMEOUT_MS) : undefined;
  const { origin, pathname } = new URL(credentials.server);
  const prefix = pathname === '/' ? '' : pathname;
  return { origin, prefix, calls: connectCalls(credentials, connections), streams, watches };
}

function connectCalls(credentials: Credentials, connections: number): Agent {
  return new Agent({ ...agentOptions(credentials), connections, keepAliveTimeout: KEEP_ALIVE_MS });
}

function agentOptions(credentials: Credentials): Agent.Options {
  const { ca, cert, key, servername, insecure } = credentials;
  const connect = {
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    rejectUnauthorized: insecure !== true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  };
  // Deadlines are the client's, per request; undici's would be a second opinion. Calls stay with HTTP/1.1: see docs/adr/0025.
  return { allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect };
}
