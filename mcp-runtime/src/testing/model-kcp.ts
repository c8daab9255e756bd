import { createHash } from 'node:crypto';
import type { KcpClient, KcpRequest } from '../kcp/client.ts';
import { CancelledError, KcpStatusError } from '../kcp/errors.ts';
import { homeClusterOf } from '../kcp/home.ts';
import type { Workspace } from '../kcp/workspace.ts';

/** A workspace of a model, and what one caller may do there. */
export interface ModelWorkspace {
  /** `root`, `root:a:b`, or below a home workspace `<id>:a`. */
  readonly path: string;
  /** Whether the caller may enter. */
  readonly open: boolean;
  /** Whether the caller may list the workspaces inside; true unless told. */
  readonly lists?: boolean;
  readonly mounted?: boolean;
  /** Path of the workspace where its WorkspaceType is defined; root unless told. */
  readonly typeFrom?: string;
  /** False: it has no logical cluster yet. */
  readonly scheduled?: boolean;
  /** Every request is answered with this status. */
  readonly fails?: number;
  /** It serves no Workspaces. */
  readonly bare?: boolean;
}

export interface ModelOptions {
  readonly workspaces: readonly ModelWorkspace[];
  /** The caller's name. Default alice@example.com. */
  readonly user?: string;
  /** Most items of a page of a list. */
  readonly page?: number;
  /** Called before each answer; what it returns is waited for. */
  readonly before?: (request: KcpRequest) => unknown;
}

/** A kcp in memory that answers about workspaces as the recordings do, for one caller. */
export interface ModelKcp extends KcpClient {
  /** `VERB workspace`: list, enter, name (of the caller). */
  readonly seen: string[];
  readonly requests: KcpRequest[];
  /** All Workspaces there are, as an index has them, in the order of the tree. */
  readonly index: readonly Workspace[];
  /** Replaced by a test when something changes. */
  workspaces: readonly ModelWorkspace[];
  request: (request: KcpRequest) => Promise<unknown>;
}

/** The id of a workspace's logical cluster: doesn't show its name. */
export function clusterAt(path: string): string {
  return path.includes(':') ? createHash('sha256').update(path).digest('hex').slice(0, 16) : path;
}

export function createModelKcp({ user = 'alice@example.com', page = 500, before, ...given }: ModelOptions): ModelKcp {
  const model: ModelKcp = {
    identity: undefined,
    host: 'model.kcp:6443',
    seen: [],
    requests: [],
    workspaces: given.workspaces,
    get index() {
      return indexOf(model.workspaces);
    },
    async request(request) {
      model.requests.push(request);
      model.seen.push(`${verbOf(request)} ${request.workspace}`);
      await before?.(request);
      if (request.signal?.aborted === true) throw new CancelledError('the call was cancelled', contextOf(request));
      return answer(request);
    },
    text: () => Promise.reject(new Error('the model has no logs')),
    exec: () => Promise.reject(new Error('the model has no Pods')),
    reload: () => Promise.resolve(false),
    close: () => Promise.resolve(),
  };

  function answer(request: KcpRequest): unknown {
    const { workspace = '', path, query = {} } = request;
    const place = model.workspaces.find((each) => each.path === workspace || idOf(each) === workspace);
    const verb = verbOf(request);
    const fail = (code: number, message: string, details: object = {}): never => {
      throw new KcpStatusError(code, { kind: 'Status', message, code, details }, contextOf(request));
    };
    if (place === undefined && workspace.includes(':')) {
      const details = { name: workspace, group: 'tenancy.kcp.io', kind: 'workspaces' };
      fail(404, `workspaces.tenancy.kcp.io "${workspace}" not found`, details);
    }
    const denied = `User ${JSON.stringify(user)} cannot get path "${path}": access denied`;
    if (place?.fails !== undefined) fail(place.fails, `trouble in ${place.path}`);
    if (place?.open !== true) return fail(403, `forbidden: ${denied}`);
    if (verb === 'enter') return { major: '1' };
    if (verb === 'name') return { status: { userInfo: { username: user } } };
    if (place.lists === false) fail(403, `workspaces.tenancy.kcp.io is forbidden: ${denied}`);
    if (place.bare === true) fail(404, 'the server could not find the requested resource');
    const all = model.workspaces.filter(
      (each) => each.path.startsWith(`${place.path}:`) && parentOf(each.path) === place.path,
    );
    const start = Number(query['continue'] ?? 0);
    const end = start + Math.min(page, Number(query['limit']));
    const metadata = end < all.length ? { continue: String(end) } : {};
    return { items: all.slice(start, end).map(objectOf), metadata };
  }
  return model;
}

/** The Workspace object of a workspace, as its parent lists it. */
export function objectOf(workspace: ModelWorkspace): Record<string, unknown> {
  const { path, mounted = false } = workspace;
  const cluster = idOf(workspace);
  return {
    metadata: { name: nameOf(path), annotations: { 'kcp.io/cluster': clusterAt(parentOf(path)) } },
    spec: {
      type: { name: 'universal', path: workspace.typeFrom ?? 'root' },
      ...(mounted ? { mount: { ref: { kind: 'Cluster' } } } : cluster !== undefined && { cluster }),
    },
    status: { phase: 'Ready' },
  };
}

export function idOf({ path, mounted = false, scheduled = true }: ModelWorkspace): string | undefined {
  return mounted || !scheduled ? undefined : clusterAt(path);
}

/** The home workspace of a user. */
export const homePath = homeClusterOf;

function indexOf(workspaces: readonly ModelWorkspace[]): Workspace[] {
  return workspaces
    .filter((workspace) => workspace.mounted === true || workspace.scheduled !== false)
    .map((workspace) => ({
      path: workspace.path,
      name: nameOf(workspace.path),
      cluster: workspace.path === 'root' ? undefined : idOf(workspace),
      type: workspace.path.includes(':') ? `${workspace.typeFrom ?? 'root'}:universal` : undefined,
      phase: workspace.path.includes(':') ? 'Ready' : undefined,
      ...(workspace.mounted === true && { mounted: true }),
    }))
    .sort((a, b) => (a.path.replaceAll(':', '\0') < b.path.replaceAll(':', '\0') ? -1 : 1));
}

function verbOf({ path }: KcpRequest): string {
  if (path === '/version') return 'enter';
  return path.endsWith('/workspaces') ? 'list' : 'name';
}

function contextOf({ workspace, path, target }: KcpRequest) {
  return { host: 'model.kcp:6443', workspace, path, target };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(':') + 1);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(':')));
}
