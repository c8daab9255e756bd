import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Pool } from 'undici';
import {
  CancelledError,
  KcpError,
  KcpStatusError,
  KcpTimeoutError,
  KcpUnreachableError,
  NoIdentityError,
  errorCode,
} from './errors.ts';
import type { RequestContext } from './errors.ts';
import { runCommand } from './exec.ts';
import type { CommandOutput, CommandRequest } from './exec.ts';
import { NoCredentialsError, parseIdentityKubeconfig, parseKubeconfig } from './kubeconfig.ts';
import type { KcpEndpoint } from './kubeconfig.ts';
import type { Identity } from './kubeconfig-user.ts';
import { dispatchOptions } from './request.ts';
import type { KcpRequest } from './request.ts';
import { collect, parseAnswer, readTextEnd } from './response.ts';
import type { TextEnd } from './response.ts';
import { send } from './send.ts';
import type { ResponseHead } from './send.ts';

export type { KcpRequest };

export interface KcpClientOptions {
  /** Path of the mounted kubeconfig; read again by `reload()`. */
  readonly kubeconfigFile?: string;
  /** The kubeconfig itself, where there is no file. */
  readonly kubeconfig?: string;
  /** Whether the server is one plain cluster rather than kcp. */
  readonly plain?: boolean;
  /** Whether every request is made by the kubeconfig's user, whoever calls; without it, the kubeconfig may have no credentials. */
  readonly ownIdentity?: boolean;
  /** Most connections to kcp at once; requests beyond wait. Default 32. */
  readonly connections?: number;
  /** How long one request may take, in milliseconds; asked for each, where it may change. Default 30,000. */
  readonly requestTimeoutMs?: number | (() => number);
  /** Largest answer, in bytes. Default 4 MiB: parsed, that still fits a 48 MiB heap several times. */
  readonly maxResponseBytes?: number;
  /** Called once for each request, for metrics: `outcome` is the HTTP status or the name of the error. */
  readonly observe?: (sample: { method: string; outcome: string; seconds: number }) => void;
}

/** Whom kcp sees in place of each caller. */
export interface OwnIdentity {
  /** {@link Identity.name} */
  readonly name: string;
  /** Another one with every change of the credentials: what was found out under another value was found out by somebody else. */
  readonly generation: number;
}

/** The one way to kcp: pooled connections, the caller's token on each request or this server's own identity, nothing kept of callers. */
export interface KcpClient {
  /** `host:port` of kcp, for messages. */
  readonly host: string;
  /** Set where no caller's token is ever sent. */
  readonly identity: OwnIdentity | undefined;
  /**
   * Sends one request and parses the JSON that comes back.
   * @throws {KcpError} for everything but a 2xx with JSON; never with a token in it.
   */
  request(request: KcpRequest): Promise<unknown>;
  /**
   * Sends one request whose answer is text, and returns the end of it.
   * @throws {KcpError} as `request` does.
   */
  text(request: KcpRequest & { readonly keepBytes: number }): Promise<TextEnd>;
  /**
   * Runs a command through a Pod's `exec` subresource; the request's path and query name it.
   * @throws {KcpError}
   */
  exec(request: CommandRequest): Promise<CommandOutput>;
  /**
   * Reads the kubeconfig file again and moves to what it says. Requests under way finish on the old connections. Where there was an
   * identity and the file has none any more, it is taken back: requests fail until there is one again.
   * @returns whether anything changed.
   * @throws {KubeconfigError} when the new file can't be used; the old one stays in force.
   */
  reload(): Promise<boolean>;
  /** Waits for requests under way and closes all connections. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
// Below the 90 s after which kube-apiserver and Go front-proxies close an idle connection.
const KEEP_ALIVE_MS = 60_000;
// All answers being read at one time: several of the largest, yet far from a Pod's 128 MiB.
const MAX_BUFFERED_RESPONSES = 6;
const TIMED_OUT = Symbol('timed out');
// A kept-alive connection that the server closed just as it was taken up again.
const STALE_CONNECTION = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** What a kubeconfig says. */
interface Server {
  readonly endpoint: KcpEndpoint;
  readonly identity: Identity | undefined;
}

interface Upstream extends Server {
  readonly pool: Pool;
  /** The identity was taken back. */
  withdrawn: boolean;
}

export function createKcpClient(options: KcpClientOptions): KcpClient {
  const { kubeconfigFile, observe, plain = false, ownIdentity = false } = options;
  const { requestTimeoutMs = 30_000 } = options;
  const maxBytes = options.maxResponseBytes ?? 4 * 1024 * 1024;
  const budget = { bytes: maxBytes * MAX_BUFFERED_RESPONSES };
  const text = options.kubeconfig ?? (kubeconfigFile === undefined ? '' : readFileSync(kubeconfigFile, 'utf8'));
  const parse = (kubeconfig: string): Server =>
    ownIdentity
      ? parseIdentityKubeconfig(kubeconfig, { plain })
      : { endpoint: parseKubeconfig(kubeconfig, { plain }), identity: undefined };
  let current = connect(parse(text), options.connections ?? 32);
  let generation = 0;

  /** undefined: it has no credentials any more. */
  function parseAgain(kubeconfig: string): Server | undefined {
    try {
      return parse(kubeconfig);
    } catch (error) {
      if (error instanceof NoCredentialsError) return undefined;
      throw error;
    }
  }

  /** What is done with a connection to kcp: sending a request and reading the answer, or holding a conversation. */
  type Exchange<T> = (upstream: Upstream, signal: AbortSignal, context: RequestContext) => Promise<T>;

  async function once<T>(request: KcpRequest, context: RequestContext, exchange: Exchange<T>): Promise<T> {
    const abort = new AbortController();
    const timeoutMs = typeof requestTimeoutMs === 'number' ? requestTimeoutMs : requestTimeoutMs();
    const timer = setTimeout(() => {
      abort.abort(TIMED_OUT);
    }, timeoutMs);
    const cancel = () => {
      abort.abort();
    };
    request.signal?.addEventListener('abort', cancel, { once: true });
    try {
      if (request.signal?.aborted === true) throw new CancelledError('the call was cancelled', context);
      if (current.withdrawn) throw new NoIdentityError(context);
      return await exchange(current, abort.signal, context);
    } catch (error) {
      if (error instanceof KcpError) throw error;
      if (abort.signal.reason === TIMED_OUT) throw new KcpTimeoutError(timeoutMs, context);
      if (abort.signal.aborted) throw new CancelledError('the call was cancelled', context);
      throw new KcpUnreachableError(errorCode(error), context);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', cancel);
    }
  }

  async function observed<T>(request: KcpRequest, exchange: Exchange<T>): Promise<T> {
    const { workspace, path, target, method = 'GET' } = request;
    const context = { host: current.endpoint.host, workspace, path, target };
    const started = performance.now();
    let outcome = '2xx';
    try {
      return await once(request, context, exchange).catch((error: unknown) => {
        const stale = error instanceof KcpUnreachableError && STALE_CONNECTION.has(error.code);
        if (method !== 'GET' || !stale) throw error;
        return once(request, context, exchange);
      });
    } catch (error) {
      if (error instanceof KcpStatusError) outcome = String(error.status);
      else outcome = error instanceof Error ? error.name : 'Error';
      throw error;
    } finally {
      observe?.({ method, outcome, seconds: (performance.now() - started) / 1000 });
    }
  }

  return {
    get host() {
      return current.endpoint.host;
    },
    get identity() {
      return current.identity && { name: current.identity.name, generation };
    },
    request: (request) =>
      observed(request, async ({ pool, ...server }, signal, context) => {
        const body = collect(context, maxBytes, budget);
        try {
          const head = await send(pool, dispatchOptions(request, signal, senderOf(server)), body.take);
          if (request.onWarning !== undefined) warningsOf(head).forEach(request.onWarning);
          return parseAnswer(head, body.text(), context);
        } finally {
          body.free();
        }
      }),
    text: (request) =>
      observed(request, async ({ pool, ...server }, signal, context) => {
        const response = await pool.request(dispatchOptions(request, signal, senderOf(server)));
        return readTextEnd(response, context, request.keepBytes, budget);
      }),
    // POST: a command that may have begun is not begun again.
    exec: (request) =>
      observed({ ...request, method: 'POST' }, (server, signal, context) =>
        runCommand(server, request, { signal, context }),
      ),
    async reload() {
      if (kubeconfigFile === undefined) return false;
      const server = parseAgain(await readFile(kubeconfigFile, 'utf8'));
      const old = current;
      if (server === undefined) {
        old.withdrawn = true;
        return true;
      }
      const isSame = same(server.endpoint, old.endpoint) && isSameIdentity(server.identity, old.identity);
      if (isSame && !old.withdrawn) return false;
      current = connect(server, options.connections ?? 32);
      generation++;
      // Not awaited: close() ends when the last request under way has its answer.
      old.pool.close().catch(() => old.pool.destroy());
      return true;
    },
    close: () => current.pool.close(),
  };
}

/** `299 - "unknown field \"spec.x\""`: code, agent, and the text as a quoted string. */
const WARNING = /\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g;

function warningsOf({ headers }: ResponseHead): string[] {
  const { warning = [] } = headers;
  return [warning]
    .flat()
    .flatMap((header) => [...header.matchAll(WARNING)])
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}

const senderOf = ({ endpoint, identity }: Server) => ({ basePath: endpoint.basePath, identity });

function connect({ endpoint, identity }: Server, connections: number): Upstream {
  const pool = new Pool(endpoint.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // The request's own deadline covers all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...identity?.certificate,
      ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
      ...(endpoint.serverName !== undefined && { servername: endpoint.serverName }),
    },
  });
  return { endpoint, identity, pool, withdrawn: false };
}

function same(a: KcpEndpoint, b: KcpEndpoint): boolean {
  return a.origin === b.origin && a.basePath === b.basePath && a.ca === b.ca && a.serverName === b.serverName;
}

function isSameIdentity(a: Identity | undefined, b: Identity | undefined): boolean {
  return (
    a?.token === b?.token &&
    a?.certificate?.cert === b?.certificate?.cert &&
    a?.certificate?.key === b?.certificate?.key
  );
}
