import { createServer, type Server } from 'node:http';
import type { Metrics } from '../metrics.ts';
import { sendText } from './respond.ts';

export interface HealthOptions {
  /** What keeps the runtime from serving; empty when it is ready. Whether kcp answers is not among it: see docs. */
  readonly problems: () => readonly string[];
  readonly metrics: Metrics;
}

/** The health port, plain HTTP and not public: `/healthz` (alive), `/readyz` (able to serve callers), `/metrics`. */
export function createHealthServer({ problems, metrics }: HealthOptions): Server {
  return createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (req, res) => {
    switch (req.url?.split('?', 1)[0]) {
      case '/healthz':
        sendText(res, 200, 'ok');
        return;
      case '/readyz': {
        const found = problems();
        sendText(res, found.length === 0 ? 200 : 503, found.length === 0 ? 'ok' : found.join('\n'));
        return;
      }
      case '/metrics':
        metrics.registry.metrics().then(
          (text) => {
            res.writeHead(200, { 'Content-Type': metrics.registry.contentType });
            res.end(text);
          },
          () => {
            sendText(res, 500, 'metrics failed');
          },
        );
        return;
      default:
        sendText(res, 404, 'not found; see /healthz, /readyz, /metrics');
    }
  });
}
