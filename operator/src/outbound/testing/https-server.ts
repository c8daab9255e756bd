/** A real https server on loopback, with a certificate of a CA of its own. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../../../../e2e/lib/certs.ts';

export interface HttpsServer {
  port: number;
  /** PEM. */
  ca: string;
  /** Paths that were asked for, in order. */
  requests: string[];
  /** Connections that were made, with or without a request. */
  connections(): number;
  /** Answers to all other paths are 404. */
  answer(path: string, with_: Answering): void;
  close(): Promise<void>;
}

export type Answering = object | string | ((request: IncomingMessage, response: ServerResponse) => void);

/** @param hosts what its certificate is made out to; the names mean 127.0.0.1 through host aliases */
export async function startHttpsServer(hosts: readonly string[]): Promise<HttpsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'https-server-'));
  const authority = await createCA(dir, 'ca', 'test CA');
  const leaf = await issueCertificate(authority, { dir, name: 'leaf', commonName: 'test', hosts });
  const answers = new Map<string, Answering>();
  const requests: string[] = [];
  let connections = 0;
  const server = createServer({ cert: await readFile(leaf.certFile), key: await readFile(leaf.keyFile) });
  server.on('connection', () => (connections += 1));
  server.on('request', (request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const answering = answers.get(path);
    if (typeof answering === 'function') answering(request, response);
    else if (answering === undefined) response.writeHead(404).end();
    else response.end(typeof answering === 'string' ? answering : JSON.stringify(answering));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ca = await readFile(authority.certFile, 'utf8');
  await rm(dir, { recursive: true });
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    requests,
    connections: () => connections,
    answer: (path, with_) => void answers.set(path, with_),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Has the server be an identity provider at `path`. */
export function beIssuer(server: HttpsServer, issuer: string, metadata: object = {}): void {
  const { pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  server.answer(`${path}/.well-known/openid-configuration`, {
    issuer,
    jwks_uri: `${new URL(issuer).origin}${path}/jwks`,
    registration_endpoint: `${issuer}/register`,
    ...metadata,
  });
  server.answer(`${path}/jwks`, { keys: [{ kty: 'EC', crv: 'P-256', use: 'sig', kid: '1', x: 'x', y: 'y' }] });
}
