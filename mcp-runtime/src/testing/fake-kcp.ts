import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';

/** One request that the fake kcp got. */
export interface SeenRequest {
  readonly user: string;
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly accept: string | undefined;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers what stands under the workspace; undefined passes to the next handler. */
export type Handler = (request: {
  readonly user: string;
  readonly workspace: string;
  /** Below `/clusters/<workspace>`, if it is. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly method: string;
  /** The body, parsed as JSON. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>;

/** An HTTPS server that stands in for kcp in unit tests, answering as testdata/*.http recorded. */
export interface FakeKcp {
  /** For what isn't a request and its answer. */
  readonly server: Server;
  readonly kubeconfig: string;
  readonly url: string;
  readonly seen: SeenRequest[];
  /** TLS handshakes so far. */
  readonly handshakes: () => number;
  /** Asked in order, before the recorded answers. */
  readonly handlers: Handler[];
  /** Closes all connections, as a restart of kcp would. */
  dropConnections(): void;
  /** Forgets what was seen and takes the handlers away. */
  reset(): void;
  stop(): Promise<void>;
}

/** Who may enter what (paths), as in the recordings; `tokenOf(user)` signs in. */
export const ACCESS: Readonly<Record<string, readonly string[]>> = {
  alice: ['root', 'root:acme', 'root:acme:team-a'],
  bob: ['root', 'root:globex', 'root:globex:team-x'],
  nobody: [],
};

export const tokenOf = (user: string) => `token-of-${user}`;

/** Paths of the recorded logical-cluster ids. */
export const CLUSTERS: Readonly<Record<string, string>> = {
  root: 'root',
  iw6o8ima302q41ln: 'root:acme',
  '33li30yc136z2lca': 'root:acme:team-a',
  '68u34s03mj8utriz': 'root:acme:team-b',
  '202ua67tyf20a5ht': 'root:globex',
  '1tsv2q4mq2ypqstm': 'root:load',
};

/** The JSON body of a recording. */
export function recorded(name: string): unknown {
  const text = readFileSync(new URL(`../kcp/testdata/${name}.http`, import.meta.url), 'utf8');
  return JSON.parse(text.slice(text.indexOf('\n\n', text.indexOf('\nHTTP/1.1 ')) + 2));
}

export function status(code: number, message: string, details: object = {}): FakeAnswer {
  const reason = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 410: 'Expired' }[code] ?? 'InternalError';
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  return { status: code, body };
}

export async function startFakeKcp(): Promise<FakeKcp> {
  const dir = await mkdtemp(join(tmpdir(), 'fake-kcp-'));
  const ca = await createCA(dir, 'ca', 'fake kcp');
  const files = await issueCertificate(ca, { dir, name: 'kcp', commonName: 'kcp', hosts: ['127.0.0.1', 'kcp.test'] });
  const [cert, key, caPem] = await Promise.all(
    [files.certFile, files.keyFile, ca.certFile].map((file) => readFile(file)),
  );
  const seen: SeenRequest[] = [];
  const handlers: Handler[] = [];
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = createServer({ cert, key }, (request, response) => {
    void respond(request, response, seen, handlers);
  });
  server.on('secureConnection', () => {
    handshakes += 1;
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    url,
    kubeconfig: kubeconfigOf(`${url}/clusters/root`, caPem?.toString() ?? ''),
    seen,
    handlers,
    handshakes: () => handshakes,
    dropConnections() {
      for (const socket of sockets) socket.destroy();
    },
    reset() {
      seen.length = 0;
      handlers.length = 0;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    },
  };
}

export function kubeconfigOf(server: string, ca: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'default',
    contexts: [{ name: 'default', context: { cluster: 'default', user: 'nobody' } }],
    clusters: [
      { name: 'default', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'nobody', user: {} }],
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest[],
  handlers: readonly Handler[],
): Promise<void> {
  const { method = '', url = '' } = request;
  const { authorization, accept = '' } = request.headers;
  const user = Object.keys(ACCESS).find((name) => authorization === `Bearer ${tokenOf(name)}`) ?? 'bad';
  seen.push({ user, method, url, accept });
  const { pathname, searchParams: query } = new URL(url, 'https://kcp');
  // What isn't below a workspace is asked as of a plain cluster.
  const [, workspace = '', path = pathname] = /^\/clusters\/([^/]+)(.*)$/.exec(pathname) ?? [];
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const sent = Buffer.concat(chunks).toString();
  const asked = {
    user,
    workspace,
    path,
    query,
    accept,
    method,
    body: sent === '' ? undefined : (JSON.parse(sent) as unknown),
    headers: request.headers,
  };
  let answer: FakeAnswer | undefined;
  for (const handler of handlers) answer ??= await handler(asked);
  const { status: code = 200, body, headers } = answer ?? asRecorded(asked);
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** What the recordings answer: authentication, then the workspace, then access to it, then the object. */
function asRecorded({ user, workspace, path, accept }: Parameters<Handler>[0]): FakeAnswer {
  if (user === 'bad') return { status: 401, body: recorded('bad-token') };
  const place = CLUSTERS[workspace] ?? (Object.values(CLUSTERS).includes(workspace) ? workspace : undefined);
  if (place === undefined) {
    const details = { name: workspace, group: 'tenancy.kcp.io', kind: 'workspaces' };
    return status(404, `workspaces.tenancy.kcp.io "${workspace}" not found`, details);
  }
  if (ACCESS[user]?.includes(place) !== true) return denied(user, path);
  if (path === '/version') return { body: recorded('version-access') };
  if (path.endsWith('/selfsubjectreviews')) return { status: 201, body: recorded('selfsubjectreview') };
  if (path.endsWith('/selfsubjectrulesreviews')) return { status: 201, body: recorded('selfsubjectrulesreview') };
  if (path === '/api/v1') return { body: CORE };
  if (path === '/api') return { body: recorded('discovery-core-aggregated') };
  if (path === '/apis') return { body: { kind: 'APIGroupList', groups: GROUPS } };
  if (path === '/apis/tenancy.kcp.io/v1alpha1') return { body: TENANCY };
  if (path === '/api/v1/namespaces' && !accept.includes('Table')) return { body: recorded('namespaces-list') };
  if (path === '/api/v1/namespaces') return { body: NAMESPACE_TABLE };
  if (path === '/apis/tenancy.kcp.io/v1alpha1/workspaces') return { body: workspacesOf(place, accept) };
  if (path === '/apis/tenancy.kcp.io/v1alpha1/workspaces/acme' && place === 'root') {
    return { body: recorded('workspace-get') };
  }
  if (path === '/apis/core.kcp.io/v1alpha1/logicalclusters/cluster' && place === 'root:acme') {
    return { body: recorded('logicalcluster') };
  }
  if (/^\/apis\/[^/]+\/[^/]+$/.test(path)) return { status: 404, body: '404 page not found\n' };
  const [resource = '', name] = path.split('/').slice(-2);
  return status(404, `${resource} "${name ?? ''}" not found`, { name, kind: resource });
}

function denied(user: string, path: string): FakeAnswer {
  const who = `User "${user}@example.com"`;
  const resource = /\/apis\/tenancy.kcp.io\/v1alpha1\/(\w+)/.exec(path)?.[1] ?? /\/api\/v1\/(\w+)/.exec(path)?.[1];
  if (resource === undefined) return status(403, `forbidden: ${who} cannot get path "${path}": access denied`);
  const group = path.startsWith('/apis/') ? 'tenancy.kcp.io' : '';
  const what = group === '' ? resource : `${resource}.${group}`;
  return status(
    403,
    `${what} is forbidden: ${who} cannot list resource "${resource}" in API group "${group}" at the cluster scope: access denied`,
    { kind: resource, ...(group !== '' && { group }) },
  );
}

function workspacesOf(place: string, accept: string): unknown {
  if (place === 'root') return recorded(accept.includes('Table') ? 'workspaces-list-table' : 'workspaces-list-root');
  if (place === 'root:acme') return recorded('workspaces-list-root-acme');
  return { kind: 'WorkspaceList', apiVersion: 'tenancy.kcp.io/v1alpha1', metadata: {}, items: [] };
}

const READ = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

const CORE = {
  kind: 'APIResourceList',
  groupVersion: 'v1',
  resources: [
    {
      name: 'configmaps',
      singularName: 'configmap',
      namespaced: true,
      kind: 'ConfigMap',
      verbs: READ,
      shortNames: ['cm'],
    },
    {
      name: 'namespaces',
      singularName: 'namespace',
      namespaced: false,
      kind: 'Namespace',
      verbs: READ,
      shortNames: ['ns'],
    },
    { name: 'namespaces/status', singularName: '', namespaced: false, kind: 'Namespace', verbs: ['get'] },
    { name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs: READ },
    { name: 'bindings', singularName: 'binding', namespaced: true, kind: 'Binding', verbs: ['create'] },
  ],
};

const TENANCY = {
  kind: 'APIResourceList',
  groupVersion: 'tenancy.kcp.io/v1alpha1',
  resources: [
    {
      name: 'workspaces',
      singularName: 'workspace',
      namespaced: false,
      kind: 'Workspace',
      verbs: READ,
      shortNames: ['ws'],
    },
  ],
};

const GROUPS = ['tenancy.kcp.io/v1alpha1', 'rbac.authorization.k8s.io/v1', 'apis.kcp.io/v1alpha2'].map(
  (groupVersion) => ({
    name: groupVersion.split('/')[0],
    versions: [{ groupVersion, version: groupVersion.split('/')[1] }],
  }),
);

const NAMESPACE_TABLE = {
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { resourceVersion: '17158' },
  columnDefinitions: [
    { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
    { name: 'Status', type: 'string', format: '', description: '', priority: 0 },
    { name: 'Age', type: 'string', format: '', description: '', priority: 0 },
  ],
  rows: [
    { cells: ['default', 'Active', '18m'], object: null },
    { cells: ['kube-system', 'Active', '18m'], object: null },
  ],
};
