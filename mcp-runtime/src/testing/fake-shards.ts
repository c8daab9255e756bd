import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';

/** One request of the index identity. */
export interface SeenByShards {
  readonly verb: 'list' | 'watch';
  /** `slice`, or the shard's name. */
  readonly what: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly url: string;
}

/** What a shard answers instead of what it would: a status for lists, watches, or both. */
export interface Trouble {
  readonly list?: number | undefined;
  readonly watch?: number | undefined;
}

/** A Workspace as an index sees it: its place, and the rest of the object. */
export interface Placed {
  readonly parent: string;
  readonly name: string;
  readonly cluster?: string;
  readonly phase?: string;
}

/** The side of kcp that an index reads, on loopback with real HTTPS: the list of shards, and each one's Workspaces. */
export interface FakeShards {
  readonly url: string;
  readonly ca: string;
  readonly seen: SeenByShards[];
  /** Watches that are open now, by what they watch. */
  open(what: string): number;
  /** Which shards there are; told to whoever watches. Undefined: no list of shards exists. */
  setShards(names: readonly string[] | undefined, urls?: readonly string[]): void;
  put(shard: string, ...workspaces: Placed[]): void;
  remove(shard: string, workspace: Placed): void;
  /** Tells watches how far the shard is. */
  bookmark(what: string): void;
  /** Ends watches as a server does whose time is up. */
  endWatches(what: string): void;
  /** Sends an ERROR event with this code. */
  failWatches(what: string, code: number): void;
  /** Forgets what watches could resume from: they get 410. */
  compact(what: string): void;
  /** Sends raw text to watches. */
  send(what: string, text: string): void;
  trouble: Record<string, Trouble>;
  /** Most items of a page, and the most that fits in one answer (beyond: 5 MiB of it). */
  limits: { page: number; fits: number };
  /** The credentials that are accepted. */
  token: string;
  kubeconfig(token?: string): string;
  stop(): Promise<void>;
}

interface Event {
  readonly version: number;
  readonly type: string;
  readonly object: unknown;
}

/** A collection with a history. */
interface Store {
  version: number;
  oldest: number;
  readonly objects: Map<string, object>;
  readonly events: Event[];
  readonly watches: Set<ServerResponse>;
}

export async function startFakeShards(): Promise<FakeShards> {
  const dir = await mkdtemp(join(tmpdir(), 'fake-shards-'));
  const ca = await createCA(dir, 'ca', 'fake shards');
  const files = await issueCertificate(ca, { dir, name: 'shards', commonName: 'shards', hosts: ['127.0.0.1'] });
  const [cert, key, caPem] = await Promise.all(
    [files.certFile, files.keyFile, ca.certFile].map((file) => readFile(file)),
  );
  const stores = new Map<string, Store>();
  const sockets = new Set<Socket>();
  const store = (what: string): Store => {
    const known = stores.get(what);
    const made = known ?? { version: 100, oldest: 100, objects: new Map(), events: [], watches: new Set() };
    stores.set(what, made);
    return made;
  };

  const server = createServer({ cert, key }, (request, response) => {
    serve(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url ?? '', url);
    const what = pathname.startsWith('/clusters/root/apis/apis.kcp.io/')
      ? 'slice'
      : (/^\/services\/apiexport\/(\w+)\/tenancy\.kcp\.io\/clusters\/\*\/apis\/tenancy\.kcp\.io\/v1alpha1\/workspaces$/.exec(pathname)?.[1] ?? '?'); // prettier-ignore
    const verb = query.get('watch') === 'true' ? 'watch' : 'list';
    const { authorization } = request.headers;
    shards.seen.push({ verb, what, query, authorization, url: request.url ?? '' });
    const forced = shards.trouble[what]?.[verb];
    const refused = authorization === `Bearer ${shards.token}` ? undefined : 401;
    if (forced !== undefined || refused !== undefined) refuse(response, forced ?? refused ?? 0);
    else if (verb === 'list') list(response, store(what), query);
    else watch(response, store(what), query);
  }

  function list(response: ServerResponse, { objects, version }: Store, query: URLSearchParams): void {
    const all = [...objects.keys()].sort().flatMap((name) => objects.get(name) ?? []);
    const start = Number(query.get('continue') ?? 0);
    const limit = Math.min(Number(query.get('limit')), shards.limits.page);
    if (limit > shards.limits.fits) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"items":["${'x'.repeat(5 * 2 ** 20)}"]}`);
      return;
    }
    const end = start + limit;
    const metadata = { resourceVersion: String(version), ...(end < all.length && { continue: String(end) }) };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items: all.slice(start, end), metadata }));
  }

  function watch(response: ServerResponse, from: Store, query: URLSearchParams): void {
    const version = Number(query.get('resourceVersion'));
    if (version < from.oldest) {
      refuse(response, 410);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    for (const event of from.events) if (event.version > version) write(response, event);
    from.watches.add(response);
    response.once('close', () => from.watches.delete(response));
  }

  function emit(to: Store, type: string, object: object): void {
    to.version += 1;
    const versioned = {
      ...object,
      metadata: { ...(object as { metadata?: object }).metadata, resourceVersion: String(to.version) },
    };
    const event = { version: to.version, type, object: versioned };
    to.events.push(event);
    for (const response of to.watches) write(response, event);
  }

  const shards: FakeShards = {
    url,
    ca: caPem?.toString() ?? '',
    seen: [],
    trouble: {},
    limits: { page: Infinity, fits: Infinity },
    token: 'index-token',
    open: (what) => store(what).watches.size,
    setShards(names, urls = names?.map((name) => `${url}/services/apiexport/${name}/tenancy.kcp.io`) ?? []) {
      const slices = store('slice');
      const known = slices.objects.get('tenancy.kcp.io');
      const slice = {
        metadata: { name: 'tenancy.kcp.io' },
        status: { endpoints: urls.map((each) => ({ url: each })) },
      };
      if (names === undefined) slices.objects.clear();
      else slices.objects.set('tenancy.kcp.io', slice);
      emit(slices, names === undefined ? 'DELETED' : known === undefined ? 'ADDED' : 'MODIFIED', slice);
    },
    put(shard, ...workspaces) {
      const to = store(shard);
      for (const workspace of workspaces) {
        const id = `${workspace.parent}/${workspace.name}`;
        const type = to.objects.has(id) ? 'MODIFIED' : 'ADDED';
        to.objects.set(id, objectOf(workspace));
        emit(to, type, objectOf(workspace));
      }
    },
    remove(shard, workspace) {
      store(shard).objects.delete(`${workspace.parent}/${workspace.name}`);
      emit(store(shard), 'DELETED', objectOf(workspace));
    },
    bookmark(what) {
      const { watches, version } = store(what);
      const object = { metadata: { resourceVersion: String(version) } };
      for (const response of watches) write(response, { type: 'BOOKMARK', object });
    },
    endWatches(what) {
      for (const response of store(what).watches) response.end();
      store(what).watches.clear();
    },
    failWatches(what, code) {
      for (const response of store(what).watches) {
        write(response, { type: 'ERROR', object: statusOf(code) });
        response.end();
      }
      store(what).watches.clear();
    },
    compact(what) {
      const from = store(what);
      from.version += 1;
      from.oldest = from.version;
      from.events.length = 0;
    },
    send(what, text) {
      for (const response of store(what).watches) response.write(text);
    },
    kubeconfig: (token = shards.token) =>
      JSON.stringify({
        kind: 'Config',
        'current-context': 'index',
        contexts: [{ name: 'index', context: { cluster: 'kcp', user: 'index' } }],
        clusters: [
          {
            name: 'kcp',
            cluster: { server: `${url}/clusters/root`, 'certificate-authority-data': caPem?.toString('base64') },
          },
        ],
        users: [{ name: 'index', user: { token } }],
      }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    },
  };
  return shards;
}

function objectOf({ parent, name, cluster = `${parent}-${name}`, phase = 'Ready' }: Placed): object {
  return {
    metadata: { name, annotations: { 'kcp.io/cluster': parent } },
    spec: { cluster, type: { name: 'universal', path: 'root' } },
    status: { phase },
  };
}

function write(response: ServerResponse, { type, object }: Pick<Event, 'type' | 'object'>): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function refuse(response: ServerResponse, code: number): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(statusOf(code)));
}

function statusOf(code: number): object {
  const message =
    code === 403 ? 'workspaces.tenancy.kcp.io is forbidden: User "mcp-index" cannot list' : `answered ${code}`;
  return { kind: 'Status', status: 'Failure', message, code };
}
