import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request that reached the proxy. */
export interface Passed {
  /** Monotonic ms. */
  at: number;
  method: string;
  url: string;
  /** Status of the answer, once there is one. */
  status?: number;
}

/** An answer that the proxy gives in the API server's place. */
export interface Refusal {
  status: number;
  headers?: Record<string, string>;
}

/** A load balancer in front of the API server: plain HTTP in, and every request is seen. */
export interface HttpProxy {
  url: string;
  requests: Passed[];
  /** Asked for each request; with an answer it isn't passed on. */
  refuse: ((request: Passed) => Refusal | undefined) | undefined;
  /** Breaks all connections, and with them the watches. */
  breakAll(): void;
  close(): Promise<void>;
}

export async function startHttpProxy(url: string, caFile: string): Promise<HttpProxy> {
  const agent = new Agent({ keepAlive: true, ca: await readFile(caFile) });
  const server = createServer((incoming, outgoing) => {
    const passed: Passed = { at: performance.now(), method: incoming.method ?? '', url: incoming.url ?? '' };
    proxy.requests.push(passed);
    const refusal = proxy.refuse?.(passed);
    if (refusal) {
      passed.status = refusal.status;
      incoming.resume();
      outgoing
        .writeHead(refusal.status, { 'content-type': 'text/plain', ...refusal.headers })
        .end('refused by the proxy');
      return;
    }
    const { method, headers } = incoming;
    const forwarded = httpsRequest(new URL(passed.url, url), { method, headers, agent }, (answer: IncomingMessage) => {
      passed.status = answer.statusCode ?? 0;
      outgoing.writeHead(passed.status, answer.headers);
      outgoing.flushHeaders();
      answer.on('error', () => outgoing.destroy());
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    refuse: undefined,
    breakAll() {
      server.closeAllConnections();
    },
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
