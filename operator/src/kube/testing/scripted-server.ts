import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient } from '../client.ts';
import type { KubeClient, KubeClientOptions } from '../client.ts';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** On the how-manieth connection it came. */
  connection: number;
}

export type Answer = (request: Seen, response: ServerResponse) => void;

/** An HTTP server that answers as the test says, and a client of it. */
export interface ScriptedServer {
  client: KubeClient;
  requests: Seen[];
  /** Connections that were made to it so far. */
  connections: () => number;
  /** Answers, one after the other; the last one is given again and again. */
  answers: Answer[];
  kubeconfig: string;
  stop: () => Promise<void>;
}

export async function scriptedServer(options: Partial<KubeClientOptions> = {}): Promise<ScriptedServer> {
  const requests: Seen[] = [];
  const answers: Answer[] = [];
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body, connection: numbers.get(request.socket) ?? 0 };
      requests.push(seen);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(seen, response);
    });
  });
  server.on('connection', (socket) => numbers.set(socket, ++connections));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dir = await mkdtemp(join(tmpdir(), 'kube-client-'));
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigYAML(`http://127.0.0.1:${port}`, 'first-token'));
  const client = await createKubeClient({ kubeconfig, userAgent: 'test/1', holder: 'pod-a', ...options });
  return {
    client,
    requests,
    answers,
    connections: () => connections,
    kubeconfig,
    stop: async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    },
  };
}

export const kubeconfigYAML = (server: string, token: string): string => `
current-context: main
clusters: [{name: c, cluster: {server: '${server}'}}]
users: [{name: u, user: {token: ${token}}}]
contexts: [{name: main, context: {cluster: c, user: u, namespace: here}}]
`;

/** An answer of JSON. */
export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

/** An answer with a `metav1.Status`. */
export const status = (
  code: number,
  reason: string,
  fields: object = {},
  headers: Record<string, string> = {},
): Answer =>
  json(
    code,
    { kind: 'Status', apiVersion: 'v1', code, reason, message: `${reason} says the server`, ...fields },
    headers,
  );
