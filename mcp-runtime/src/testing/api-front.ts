import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { startControlPlane } from '../../../e2e/cluster/control-plane.ts';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import { arrayAt, stringAt } from '../kcp/json.ts';
import { ACCESS, kubeconfigOf, tokenOf } from './fake-kcp.ts';

/**
 * A real kube-apiserver behind a front that does of kcp's work only the paths: /clusters/root/… is that API server, and
 * `tokenOf(user)` signs in. What it answers is Kubernetes itself: pages, tables, selectors, discovery, applies and refusals.
 */
export interface ApiFront {
  readonly kubeconfig: string;
  /** Method and URL of the requests so far. */
  readonly seen: string[];
  /** As administrator. @throws when the answer isn't 2xx */
  admin(method: string, path: string, body?: object, contentType?: string): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startApiFront(): Promise<ApiFront> {
  const plane = await startControlPlane();
  const config: unknown = parse(readFileSync(plane.kubeconfig, 'utf8'));
  const user = arrayAt(config, 'users')[0];
  const pem = (field: string) => Buffer.from(stringAt(user, 'user', field) ?? '', 'base64').toString();
  const identity = { cert: pem('client-certificate-data'), key: pem('client-key-data') };
  const agent = new Agent({ connect: { ca: readFileSync(plane.caFile), ...identity } });
  const seen: string[] = [];

  const dir = join(plane.dir, 'front');
  const ca = await createCA(dir, 'ca', 'front');
  const files = await issueCertificate(ca, { dir, name: 'front', commonName: 'front', hosts: ['127.0.0.1'] });
  const tls = { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
  const front = createServer(tls, (incoming, response) => {
    void forward(incoming, response);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '', headers } = incoming;
    seen.push(`${method} ${url}`);
    const caller = Object.keys(ACCESS).find((name) => headers.authorization === `Bearer ${tokenOf(name)}`) ?? 'nobody';
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const answer = await request(plane.url + url.replace('/clusters/root', ''), {
      dispatcher: agent,
      method,
      headers: {
        accept: headers.accept ?? '',
        'impersonate-user': caller,
        ...(headers['content-type'] !== undefined && { 'content-type': headers['content-type'] }),
      },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    const { warning } = answer.headers;
    if (warning !== undefined) response.setHeader('warning', warning);
    response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) });
    response.end(await answer.body.text());
  }

  return {
    kubeconfig: kubeconfigOf(
      `https://127.0.0.1:${(front.address() as AddressInfo).port}/clusters/root`,
      readFileSync(ca.certFile, 'utf8'),
    ),
    seen,
    async admin(method, path, body, contentType = 'application/json') {
      const { statusCode, body: answer } = await request(plane.url + path, {
        dispatcher: agent,
        method,
        headers: { 'content-type': contentType },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
      return JSON.parse(text) as unknown;
    },
    async stop() {
      front.close();
      front.closeAllConnections();
      await agent.close();
      await plane.stop();
    },
  };
}
