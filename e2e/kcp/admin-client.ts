import { Agent, request as httpsRequest } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export interface AdminRequest {
  method?: string;
  body?: unknown;
  contentType?: string;
}

/** kcp's refusal of a request of the admin's. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface AdminAnswer {
  status: number;
  contentType: string;
  body: unknown;
}

/** Requests to any workspace of a kcp with the credentials of a kubeconfig's current context. */
export interface AdminClient {
  /** Base URL of kcp, without `/clusters/…`. */
  url: string;
  /** @throws AdminError on any status but 2xx */
  request(workspace: string, path: string, options?: AdminRequest): Promise<unknown>;
  /** The answer to a request for any path of kcp, whatever its status; the body must be JSON. */
  raw(path: string, options?: AdminRequest): Promise<AdminAnswer>;
  close(): void;
}

export async function openAdminClient(kubeconfig: string): Promise<AdminClient> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`${kubeconfig} has no current context`);
  const url = cluster.server.replace(/\/clusters\/.*$/, '').replace(/\/+$/, '');
  const credentials: Record<string, unknown> & { headers?: Record<string, string> } = {};
  await config.applyToHTTPSOptions(credentials);
  const {
    ca,
    cert,
    key,
    headers = {},
  } = credentials as { ca?: Buffer; cert?: Buffer; key?: Buffer } & typeof credentials;
  const agent = new Agent({ keepAlive: true, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) });
  const raw = (path: string, options: AdminRequest = {}): Promise<AdminAnswer> =>
    send(`${url}${path}`, agent, headers, options);
  return {
    url,
    raw,
    request: async (workspace, path, options = {}) => {
      const { status, body } = await raw(`/clusters/${workspace}${path}`, options);
      if (status >= 200 && status < 300) return body;
      const said = (body as { message?: string } | undefined)?.message ?? 'no reason given';
      throw new AdminError(status, `${options.method ?? 'GET'} ${workspace}${path}: ${status} ${said}`);
    },
    close: () => {
      agent.destroy();
    },
  };
}

function send(url: string, agent: Agent, headers: Record<string, string>, options: AdminRequest): Promise<AdminAnswer> {
  const { method = 'GET', body, contentType = 'application/json' } = options;
  return new Promise((done, fail) => {
    const type = body === undefined ? {} : { 'content-type': contentType };
    const sent = httpsRequest(url, { method, agent, headers: { ...headers, ...type }, timeout: 30_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', fail);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const type = answer.headers['content-type'] ?? '';
        const parsed: unknown = type.startsWith('application/json') && text !== '' ? JSON.parse(text) : undefined;
        done({ status: answer.statusCode ?? 0, contentType: type, body: parsed });
      });
    });
    sent.on('error', fail);
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${url}: no answer within 30 s`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
