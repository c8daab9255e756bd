import type { IncomingMessage, ServerResponse } from 'node:http';
import { anonymousAt } from '../auth/anonymous.ts';
import type { Principal } from '../auth/principal.ts';
import { messageOf, type Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Mcp } from '../server.ts';
import { authenticate } from './authenticate.ts';
import { BodyError } from './body.ts';
import type { Front } from './front.ts';
import { serveExchange } from './bridge.ts';
import { createHangUps } from './hang-up.ts';
import type { Memo } from './memo.ts';
import { sendMetadata } from './metadata.ts';
import { sendJson, sendRpcError, sendText } from './respond.ts';
import { createSlots } from './slots.ts';

export interface AppOptions {
  /** The front in force when a request comes. */
  readonly front: () => Front;
  readonly mcp: Mcp;
  /** Of its answers. */
  readonly memo: Memo;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The public port: MCP at `/mcp` and `/`, the documents that tell clients where to sign in, and `/healthz`. */
export interface App {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  /** From now on every answer asks its caller to come back on another connection. */
  drain(): void;
  /** Resolves when no call is under way, its body on the way included; open subscriptions don't count, they end with the process. */
  idle(): Promise<void>;
}

/** Longer batches are refused by the handler as a whole: they wait for no places. */
const MAX_BATCH = 100;

type Route = 'mcp' | 'metadata' | 'healthz' | 'other';

export function createApp(options: AppOptions): App {
  const { log, metrics } = options;
  let draining = false;
  let calls = 0;
  const waiting = new Set<() => void>();
  const slots = createSlots();
  const hangUps = createHangUps();

  function handle(req: IncomingMessage, res: ServerResponse): void {
    if (hangUps.isTooLate(req)) return;
    const front = options.front();
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
    const route = routeOf(path, front);
    if (draining) res.setHeader('Connection', 'close');
    res.once('close', () => {
      metrics.httpRequests.inc({ route, code: res.writableFinished ? res.statusCode : 'aborted' });
    });
    answer(route, path, front, req, res).catch((error: unknown) => {
      log.error('request failed', { route, error: messageOf(error) });
      if (res.headersSent) res.destroy();
      else sendRpcError(res, 500, 'internal error');
    });
  }

  async function answer(
    route: Route,
    path: string,
    front: Front,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    switch (route) {
      case 'healthz':
        sendText(res, 200, 'ok');
        return;
      case 'metadata':
        if (front.signIn !== undefined) sendMetadata(path, front.signIn.metadata, req, res);
        return;
      case 'mcp': {
        const end = begin();
        await serveMcp(path, front, req, res, end).finally(end);
        return;
      }
      case 'other':
        sendJson(res, 404, { message: 'not found; the MCP endpoint is /mcp' });
    }
  }

  /** @param end tells that the request isn't to be waited for any more. */
  async function serveMcp(
    path: string,
    front: Front,
    req: IncomingMessage,
    res: ServerResponse,
    end: () => void,
  ): Promise<void> {
    const refusal = front.guards.refuse(req);
    if (refusal !== undefined) {
      // After an ambiguous request nobody knows where the next one begins.
      if (refusal.status === 403) sendRpcError(res, refusal.status, refusal.message);
      else hangUps.refuse(res, refusal);
      return;
    }
    if (req.method === 'OPTIONS') {
      res.writeHead(204, front.guards.preflightHeaders(req)).end();
      return;
    }
    const cors = front.guards.corsHeaders(req);
    if (req.method !== 'POST' && req.method !== 'GET' && req.method !== 'DELETE') {
      sendRpcError(res, 405, 'method not allowed', { ...cors, Allow: 'POST, GET, DELETE, OPTIONS' });
      return;
    }
    const principal =
      front.signIn === undefined
        ? anonymousAt(req.socket.remoteAddress)
        : await authenticate(front.signIn, { log, metrics, req, res, cors });
    if (principal === undefined) return;
    if (isLimited(front, principal, 1, res, cors)) return;
    let body: unknown;
    try {
      body = req.method === 'POST' ? await front.bodies.read(req, res) : undefined;
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      // What's left of the body isn't read, so the connection can't be used again.
      hangUps.refuse(res, error, { ...cors, ...(error.status === 503 ? { 'Retry-After': 1 } : {}) });
      return;
    }
    // A batch (2025-03-26) is as many requests as it holds.
    const messages = Array.isArray(body) ? Math.max(1, body.length) : 1;
    if (messages > 1 && isLimited(front, principal, messages - 1, res, cors)) return;
    const endsWithToken = isSubscription(body);
    const url = `${front.serverUrl}${path}`;
    const exchange = () =>
      serveExchange(options.mcp, options.memo, req, res, { principal, url, body, headers: cors, endsWithToken });
    // The handler bounds subscriptions itself.
    if (endsWithToken) {
      end();
      await exchange();
      return;
    }
    const release = slots.take(callerOf(principal), messages > MAX_BATCH ? 1 : messages);
    if (release === undefined) {
      sendRpcError(res, 503, 'too many calls at once; try again', { ...cors, 'Retry-After': 1 });
      return;
    }
    await exchange().finally(release);
  }

  /** Whether the caller comes too often; they were told so. */
  function isLimited(
    { rateLimiter }: Front,
    principal: Principal,
    count: number,
    res: ServerResponse,
    cors: Record<string, string>,
  ): boolean {
    const retryAfter = rateLimiter.take(callerOf(principal), count);
    if (retryAfter === 0) return false;
    metrics.rateLimited.inc();
    sendRpcError(res, 429, `too many requests; try again in ${retryAfter} s`, { ...cors, 'Retry-After': retryAfter });
    return true;
  }

  /** Counts a request among those under way, until what it returns is called. */
  function begin(): () => void {
    calls++;
    metrics.inFlight.inc();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      calls--;
      metrics.inFlight.dec();
      if (calls === 0) for (const resolve of waiting) resolve();
    };
  }

  return {
    handle,
    drain: () => {
      draining = true;
    },
    idle: () => (calls === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
  };
}

function routeOf(path: string, { serverUrl, signIn }: Front): Route {
  // A server_url with a path: proxies may or may not strip it.
  const base = new URL(serverUrl).pathname.replace(/\/$/, '');
  if (path === '/mcp' || path === '/' || path === `${base}/mcp` || path === `${base}/`) return 'mcp';
  if (path === '/healthz') return 'healthz';
  return signIn?.metadata.at(path) === undefined ? 'other' : 'metadata';
}

const callerOf = ({ issuer, subject }: Principal) => `${issuer} ${subject}`;

const isSubscription = (body: unknown) =>
  typeof body === 'object' && body !== null && 'method' in body && body.method === 'subscriptions/listen';
