import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogEntry, RequestLog } from './request-log.ts';

/** One request on its way through the front. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  entry: LogEntry;
}

/** Begins to keep the log entry of a request; it is written when the answer is complete or given up. */
export function beginExchange(request: IncomingMessage, response: ServerResponse, log: RequestLog): Exchange {
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
