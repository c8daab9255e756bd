import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

/**
 * TCP ports that nobody listens on at this moment, below the range that the kernel gives to outgoing connections (so
 * that none of those takes one before it is used).
 *
 * @throws when none is found, which means that nearly all are taken
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 1000) throw new Error(`no ${count} free ports between 22000 and 32000 on ${address}`);
    const port = randomInt(22_000, 32_000);
    if (!found.has(port) && (await isFree(port, address))) found.add(port);
  }
  return [...found];
}

/** Whether nobody listens on this TCP port now. */
export function isFree(port: number, address = '127.0.0.1'): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => {
      done(false);
    });
    server.listen({ port, host: address, exclusive: true }, () =>
      server.close(() => {
        done(true);
      }),
    );
  });
}
