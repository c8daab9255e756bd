import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  readonly url: string;
  /** Where requests go from now on. */
  forwardTo(target: { readonly port: number; readonly ca: string; readonly token: string }): void;
  close(): Promise<void>;
}

/**
 * Stands between the suite, which speaks plain HTTP and has no token, and the runtime, which serves HTTPS and wants one. All else,
 * `Host` and `Origin` too, arrives as it was sent; bodies stream both ways.
 */
export async function startProxy(): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true });
  let target: Parameters<Proxy['forwardTo']>[0] | undefined;

  function handle(req: IncomingMessage, res: ServerResponse): void {
    if (target === undefined) {
      res.writeHead(502).end();
      return;
    }
    const { port, ca, token } = target;
    const { method, url: path } = req;
    const headers = { ...req.headersDistinct, authorization: `Bearer ${token}` };
    const sent = request(
      { agent, port, ca, method, path, headers, host: '127.0.0.1', servername: 'localhost' },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        // Headers of a stream have to arrive before its first event.
        res.flushHeaders();
        answer.pipe(res);
        answer.once('error', () => res.destroy());
      },
    );
    sent.once('error', () => res.destroy());
    res.once('close', () => sent.destroy());
    req.pipe(sent);
  }

  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    forwardTo: (next) => {
      target = next;
    },
    close: async () => {
      agent.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
