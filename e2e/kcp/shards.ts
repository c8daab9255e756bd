import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { issueCertificate } from '../lib/certs.ts';
import type { AccessGate } from './access.ts';
import { beginExchange } from './exchange.ts';
import type { Pki } from './pki.ts';
import type { Registry } from './registry.ts';
import type { RequestLog } from './request-log.ts';
import { sendNotFound, sendStatus, unavailable } from './status.ts';
import { serveVirtualWorkspace } from './virtual-workspace.ts';

/** The names of a kcp's shards: `root`, and as many more as it has. */
export function shardNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? 'root' : `shard-${index}`));
}

export interface ShardOptions {
  address: string;
  /** Name of the shard. */
  shard: string;
  pki: Pki;
  registry: Registry;
  gate: AccessGate;
  log: RequestLog;
}

/**
 * Serves a shard's own address: its virtual workspaces, by a certificate of another CA than the front's, on a free port.
 * The workspaces themselves are reached through the front, whichever shard they lie on.
 */
export async function serveShard(options: ShardOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { address, shard, pki, registry, gate, log } = options;
  const files = await issueCertificate(pki.shardCA, {
    dir: join(pki.dir, 'shards'),
    name: shard,
    commonName: shard,
    hosts: [address, 'localhost', '127.0.0.1'],
  });
  const [cert, key, ca] = await Promise.all(
    [files.certFile, files.keyFile, pki.clientCA.certFile].map((file) => readFile(file)),
  );
  const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...tls, keepAliveTimeout: 90_000, requestTimeout: 0 }, (request, response) => {
    const exchange = beginExchange(request, response, log);
    exchange.entry.shard = shard;
    if (!exchange.url.pathname.startsWith('/services/')) {
      sendNotFound(response);
      return;
    }
    serveVirtualWorkspace(exchange, { registry, gate, shard }).catch((error: unknown) => {
      if (!response.destroyed) sendStatus(response, unavailable(String(error)));
    });
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    url: `https://${address}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
