import { StringDecoder } from 'node:string_decoder';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import {
  CancelledError,
  KcpError,
  KcpProtocolError,
  KcpTooLargeError,
  KcpUnreachableError,
  errorCode,
} from './errors.ts';
import type { RequestContext } from './errors.ts';
import type { KcpEndpoint } from './kubeconfig.ts';
import { MAX_SHARDS } from './index-shards.ts';
import type { Identity } from './kubeconfig-user.ts';
import { readAnswer } from './response.ts';

/** Who asks for the index, and whom it trusts. */
export interface IndexAccess {
  readonly endpoint: KcpEndpoint;
  readonly identity: Identity;
  /** PEM of the CA of shards at other addresses than `endpoint`; undefined means that of `endpoint`. */
  readonly shardCa: string | undefined;
}

/** A collection somewhere: what the index identity is used for. */
export interface Collection {
  /** `https://host:port` */
  readonly origin: string;
  readonly path: string;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface WatchHandlers {
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  /** Called whenever something arrives. */
  readonly onActivity: () => void;
  /** One line of the stream, without its end. */
  readonly onLine: (line: string) => void;
}

/**
 * Requests of the index identity. Apart from the callers' client in every way: other connections, other credentials, and
 * no way to send anything but the GET of a collection.
 */
export interface IndexHttp {
  /** @throws {KcpError} */
  list(collection: Collection, query: Query, signal: AbortSignal): Promise<unknown>;
  /** Ends when the server ends the stream. @throws {KcpError} */
  watch(collection: Collection, query: Query, handlers: WatchHandlers): Promise<void>;
  /** Closes all connections; requests under way fail. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const LIST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 60_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Of one event: etcd keeps no object larger than 1.5 MiB, and JSON escapes a part of it. */
const MAX_LINE = 4 * 1024 * 1024;

export function createIndexHttp({ endpoint, identity, shardCa }: IndexAccess): IndexHttp {
  const pools = new Map<string, Pool>();
  const budget = { bytes: 2 * MAX_ANSWER_BYTES };

  function poolOf(origin: string): Pool {
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const own = origin === endpoint.origin;
    const ca = own ? endpoint.ca : (shardCa ?? endpoint.ca);
    const pool = new Pool(origin, {
      // A watch keeps one for as long as it lasts, and all shards may lie behind one address.
      connections: 2 * MAX_SHARDS,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: CONNECT_TIMEOUT_MS,
        ...identity.certificate,
        ...(ca !== undefined && { ca }),
        ...(own && endpoint.serverName !== undefined && { servername: endpoint.serverName }),
      },
    });
    pools.set(origin, pool);
    return pool;
  }

  function send({ origin, path }: Collection, query: Query, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
    return poolOf(origin).request({
      path: `${path}?${search.toString()}`,
      method: 'GET',
      headers: {
        accept: 'application/json',
        'user-agent': 'kcp-mcp-runtime-index',
        ...(identity.token !== undefined && { authorization: `Bearer ${identity.token}` }),
      },
      signal,
    });
  }

  return {
    async list(collection, query, signal) {
      const context = contextOf(collection);
      const ended = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
      return failing(context, signal, async () =>
        readAnswer(await send(collection, query, ended), context, MAX_ANSWER_BYTES, budget),
      );
    },
    async watch(collection, query, { signal, onOpen, onActivity, onLine }) {
      const context = contextOf(collection);
      await failing(context, signal, async () => {
        const response = await send(collection, { ...query, watch: 'true' }, signal);
        if (response.statusCode !== 200) {
          await readAnswer(response, context, MAX_ANSWER_BYTES, budget);
          throw new KcpProtocolError(`kcp at ${context.host} answered a watch with ${response.statusCode}`, context);
        }
        onOpen();
        for await (const line of linesOf(response.body, onActivity, context)) onLine(line);
      });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

function contextOf({ origin, path }: Collection): RequestContext {
  return { host: new URL(origin).host, workspace: '*', path, target: undefined };
}

async function failing<T>(context: RequestContext, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof KcpError) throw error;
    if (signal.aborted) throw new CancelledError('the request was cancelled', context);
    throw new KcpUnreachableError(errorCode(error), context);
  }
}

/** The lines of a stream, which may cut them, and characters, anywhere. What follows the last line end is no line. */
async function* linesOf(
  body: AsyncIterable<Buffer>,
  onActivity: () => void,
  context: RequestContext,
): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    onActivity();
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > MAX_LINE) throw new KcpTooLargeError(`${MAX_LINE / 1024} KiB`, context);
    for (const line of parts) if (line !== '') yield line;
  }
}
