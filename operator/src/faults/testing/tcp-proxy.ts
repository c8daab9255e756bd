import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to the API server on which packets can be lost. TLS goes through it unseen. */
export interface TcpProxy {
  url: string;
  /** Connections that were made to it so far. */
  connections(): number;
  /**
   * From now on nothing gets through, and nobody is told: no connection is refused or broken. `open`: only on connections
   * that are open now, as when a firewall forgets them; `all`: on new ones, too, as when a cable is cut.
   */
  silence(which: 'open' | 'all'): void;
  /** Everything gets through again, what TCP would send once more included. */
  heal(): void;
  close(): Promise<void>;
}

interface Pair {
  near: Socket;
  far: Socket;
  silent: boolean;
}

/** @param url of the API server: `https://127.0.0.1:PORT` */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  const pairs = new Set<Pair>();
  let waiting: Socket[] = [];
  let all = false;
  let connections = 0;

  function join(near: Socket): void {
    const far = connect({ host: hostname, port: Number(port) });
    const pair: Pair = { near, far, silent: false };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      // prettier-ignore
      from.on('data', (chunk: Buffer) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!pair.silent) from.resume();
      });
      from.on('error', () => undefined);
      from.on('end', () => to.end());
      from.on('close', end);
    }
    near.resume();
  }

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (near) => {
    connections += 1;
    near.on('error', () => undefined);
    if (all) waiting.push(near);
    else join(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    silence(which) {
      all = which === 'all';
      for (const pair of pairs) {
        pair.silent = true;
        pair.near.pause();
        pair.far.pause();
      }
    },
    heal() {
      all = false;
      for (const pair of pairs) {
        pair.silent = false;
        pair.near.resume();
        pair.far.resume();
      }
      for (const near of waiting.splice(0)) join(near);
    },
    async close() {
      for (const socket of [...waiting, ...[...pairs].flatMap(({ near, far }) => [near, far])]) socket.destroy();
      waiting = [];
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
