/** The operator's HTTP endpoints for kubelet and Prometheus: /healthz, /readyz and /metrics. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthSources {
  /**
   * What still keeps this process from being ready, one text each; empty: ready. A process that waits for
   * leadership with its caches filled is ready: it can take over at any moment.
   */
  notReady(): string[];
  /** Why this process can only be mended by a restart; undefined: alive. The API server being away is no reason. */
  dead(): string | undefined;
  metrics: { text(): Promise<string>; contentType: string };
}

export interface HealthServer {
  /** The port that it listens on (of interest when 0 was asked for). */
  port: number;
  close(): Promise<void>;
}

/**
 * Starts listening.
 * @throws the listen error (EADDRINUSE, EACCES) when the address can't be taken
 */
export async function startHealthServer(
  address: { host: string; port: number },
  sources: HealthSources,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', sources).then(
      ({ status, body, contentType = 'text/plain; charset=utf-8' }) => {
        response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      () => {
        response.writeHead(500).end();
      },
    );
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  await listen(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  status: number;
  body: string;
  contentType?: string;
}

async function answer(url: string, sources: HealthSources): Promise<Answer> {
  switch (url.split('?', 1)[0]) {
    case '/healthz': {
      const dead = sources.dead();
      return dead === undefined ? { status: 200, body: 'ok\n' } : { status: 503, body: `${dead}\n` };
    }
    case '/readyz': {
      const waiting = sources.notReady();
      return waiting.length === 0
        ? { status: 200, body: 'ok\n' }
        : { status: 503, body: waiting.map((text) => `waiting for ${text}\n`).join('') };
    }
    case '/metrics':
      return { status: 200, body: await sources.metrics.text(), contentType: sources.metrics.contentType };
    default:
      return { status: 404, body: 'not found: try /healthz, /readyz or /metrics\n' };
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host === '' ? undefined : host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
