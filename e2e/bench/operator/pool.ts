import { readFile } from 'node:fs/promises';
import { Agent } from 'undici';
import { parse } from 'yaml';

interface KubeconfigFile {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { 'client-certificate-data'?: string; 'client-key-data'?: string; token?: string } }];
}

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  contentType?: string;
  body?: unknown;
}

/** A client that keeps so many connections busy: nothing between it and the API server but HTTP/1.1. */
export interface Pool {
  /** @throws on any status but 2xx */
  send(call: Call): Promise<unknown>;
  /** `work` for each item, on all connections at once. */
  each<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export const APPLY = 'application/apply-patch+yaml';
export const MERGE = 'application/merge-patch+json';

export async function openPool(kubeconfig: string, userAgent: string, connections = 16): Promise<Pool> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigFile;
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  const decode = (base64: string): Buffer => Buffer.from(base64, 'base64');
  const { 'client-certificate-data': cert, 'client-key-data': key, token } = user;
  const agent = new Agent({
    connections,
    pipelining: 1,
    allowH2: false,
    connect: {
      ca: decode(cluster['certificate-authority-data']),
      ...(cert !== undefined && key !== undefined && { cert: decode(cert), key: decode(key) }),
    },
  });
  const headers = {
    'user-agent': userAgent,
    accept: 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return {
    async send({ method, path, contentType = 'application/json', body }) {
      const answer = await agent.request({
        origin: cluster.server,
        path,
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': contentType },
        body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 200 && answer.statusCode < 300) return JSON.parse(text) as unknown;
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
    },
    async each(items, work) {
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let index = next++; index < items.length; index = next++) {
          const item = items[index];
          if (item !== undefined) await work(item, index);
        }
      };
      await Promise.all(Array.from({ length: connections }, worker));
    },
    close: () => agent.destroy(),
  };
}
