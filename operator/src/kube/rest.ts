/** One call to the API server: deadline, retries as client-go does them, errors of one type. */
import { sleep } from './clock.ts';
import type { Clock } from './clock.ts';
import { createDeadline } from './deadline.ts';
import type { Deadline } from './deadline.ts';
import { ApiError, errorFromNetwork, errorFromResponse, isAborted } from './errors.ts';
import type { Asked } from './errors.ts';
import { textOf } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';
import type { Transport } from './transport.ts';

export interface RestCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path without the query. */
  path: string;
  query?: Record<string, string | undefined>;
  accept?: string;
  contentType?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Deadline of this call, where it isn't the client's. */
  timeoutMs?: number | undefined;
}

/** A term of work: requests of it end with `signal`, and none starts once it has aborted or `isValid` says no. */
export interface Scope {
  signal: AbortSignal;
  isValid?: (() => boolean) | undefined;
}

export interface RestOptions {
  transport: Transport;
  clock: Clock;
  requestTimeoutMs: number;
  maxRetries: number;
}

export interface Rest {
  /** The parsed JSON of a 2xx answer. */
  call(call: RestCall, scopes: readonly Scope[]): Promise<unknown>;
  /** The body of a 2xx answer, to be read; no deadline and no retry. `signal` ends it, too. */
  open(call: RestCall & { signal: AbortSignal }, scopes: readonly Scope[]): Promise<Pick<HttpResponse, 'read'>>;
  close(): Promise<void>;
}

/** An ever repeated wish to come back at once must not become a hot loop. */
const MIN_RETRY_MS = 100;

export function createRest(options: RestOptions): Rest {
  const { transport, clock } = options;
  const closing = new AbortController();

  const isOver = (signal: AbortSignal, scopes: readonly Scope[]): boolean =>
    closing.signal.aborted || hasEnded(signal, scopes);

  async function send(
    call: RestCall,
    asked: Asked,
    signal: AbortSignal,
    scopes: readonly Scope[],
    watch: boolean,
  ): Promise<HttpResponse> {
    return transport.request({
      method: call.method,
      path: call.path + queryString(call.query),
      headers: {
        accept: call.accept ?? 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal,
      watch,
      ...(scopes.length === 0 && !watch
        ? {}
        : { refusal: () => (isOver(signal, scopes) ? aborted(asked) : undefined) }),
    });
  }

  /** One attempt; the body of a failed one is read so that its connection can be used again. */
  async function attempt(
    call: RestCall,
    asked: Asked,
    signal: AbortSignal,
    scopes: readonly Scope[],
    watch: boolean,
  ): Promise<HttpResponse> {
    const response = await send(call, asked, signal, scopes, watch);
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    throw errorFromResponse(asked, response.statusCode, response.headers, await textOf(response));
  }

  async function call(call: RestCall, scopes: readonly Scope[]): Promise<unknown> {
    const asked = askedOf(call);
    const parents = [call.signal, closing.signal, ...scopes.map((scope) => scope.signal)];
    const timeoutMs = call.timeoutMs ?? options.requestTimeoutMs;
    const deadline = createDeadline(clock, timeoutMs, parents);
    const until = clock.monotonic() + timeoutMs;
    try {
      for (let retries = 0; ; retries++) {
        refuseEnded(asked, deadline.signal, scopes);
        try {
          const response = await attempt(call, asked, deadline.signal, scopes, false);
          return await parseBody(response, asked);
        } catch (error) {
          const failure = toApiError(error, asked, deadline.signal, deadline.expired(), timeoutMs);
          if (failure.reason === 'Timeout') transport.suspect();
          const delay = await retryDelay(call, failure, retries);
          if (delay === undefined || clock.monotonic() + delay >= until) throw failure;
          if (delay > 0) await sleep(clock, delay, deadline.signal);
        }
      }
    } finally {
      deadline.dispose();
    }
  }

  const endingWith = (signal: AbortSignal, scopes: readonly Scope[]): Deadline =>
    createDeadline(clock, Infinity, [signal, ...scopes.map((scope) => scope.signal)]);

  /** After how many ms the call is tried again; undefined: it isn't. */
  async function retryDelay(call: RestCall, failure: ApiError, retries: number): Promise<number | undefined> {
    if (retries >= options.maxRetries || isAborted(failure) || failure.reason === 'Timeout') return undefined;
    if (failure.status === 401) return retries === 0 && (await transport.refresh()) ? 0 : undefined;
    if (failure.status === 429 || failure.status >= 500) {
      // The server says when: it has not done the work. Without that word only reads are safe to repeat.
      if (failure.retryAfterMs !== undefined) return Math.max(failure.retryAfterMs, MIN_RETRY_MS);
      return failure.status === 429 || call.method === 'GET' ? MIN_RETRY_MS * 2 ** retries : undefined;
    }
    // A kept-alive connection was closed under us; a write may have been done, so its caller decides.
    const broken = failure.code === 'UND_ERR_SOCKET' || failure.code === 'ECONNRESET';
    return broken && call.method === 'GET' && retries === 0 ? 0 : undefined;
  }

  return {
    call,
    async open(call, scopes) {
      const asked = askedOf(call);
      // Closing the transport ends what is open. Without a term to end with, the call's own signal is all that is needed.
      const ended = scopes.length === 0 ? undefined : endingWith(call.signal, scopes);
      const signal = ended?.signal ?? call.signal;
      try {
        refuseEnded(asked, closing.signal, []);
        refuseEnded(asked, signal, scopes);
        const { read } = await attempt(call, asked, signal, scopes, true);
        return { read: ended ? (onChunk) => read(onChunk).finally(ended.dispose) : read };
      } catch (error) {
        ended?.dispose();
        throw toApiError(error, asked, signal, false, 0);
      }
    },
    async close() {
      closing.abort();
      await transport.close();
    },
  };
}

export function askedOf(call: Pick<RestCall, 'method' | 'path'>): Asked {
  return {
    method: call.method,
    path: call.path,
    secret: /^\/api\/v1\/(namespaces\/[^/]+\/)?secrets(\/|$)/.test(call.path),
  };
}

function refuseEnded(asked: Asked, signal: AbortSignal, scopes: readonly Scope[]): void {
  if (hasEnded(signal, scopes)) throw aborted(asked);
}

function hasEnded(signal: AbortSignal, scopes: readonly Scope[]): boolean {
  return signal.aborted || scopes.some((scope) => scope.isValid?.() === false);
}

function aborted(asked: Asked): ApiError {
  return new ApiError({ status: 0, reason: 'Aborted', message: `${asked.method} ${asked.path}: aborted` });
}

async function parseBody(response: HttpResponse, asked: Asked): Promise<unknown> {
  const body = await textOf(response);
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new ApiError({
      status: 0,
      reason: 'Malformed',
      message: `${asked.method} ${asked.path}: the answer is not JSON`,
    });
  }
}

/** Whatever was thrown, as an ApiError. */
export function toApiError(error: unknown, asked: Asked, signal: AbortSignal, expired: boolean, ms: number): ApiError {
  if (error instanceof ApiError) return error;
  if (expired) {
    const message = `${asked.method} ${asked.path}: no answer within ${ms / 1000} s`;
    return new ApiError({ status: 0, reason: 'Timeout', message });
  }
  return signal.aborted ? aborted(asked) : errorFromNetwork(asked, error);
}

function queryString(query: RestCall['query'] = {}): string {
  let text = '';
  for (const name in query) {
    const value = query[name];
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`;
  }
  return text;
}
