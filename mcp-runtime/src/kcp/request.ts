import type { Dispatcher } from 'undici';
import type { Target } from './errors.ts';
import type { Identity } from './kubeconfig-user.ts';
import { workspacePath } from './paths.ts';

type QueryValue = string | number | boolean;

/** One request to kcp, of one caller. */
export interface KcpRequest {
  /** Path or logical-cluster id; undefined for the one cluster that there is where it isn't kcp. */
  readonly workspace: string | undefined;
  /** Below the workspace: `/api/v1/namespaces`. Built with `paths.ts`. */
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Undefined values are left out; an array is a parameter that comes several times. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless it's a string. */
  readonly body?: unknown;
  /** The caller's bearer token; not sent where the client has an identity of its own. */
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
  /** What the request is for, so that an error can say so. */
  readonly target?: Target | undefined;
  /** Called with each warning that comes with the answer (header `Warning`, RFC 7234 §5.5), as the API server words it. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/**
 * Path and query of the request.
 * @param basePath what the server's URL has before every path.
 * @throws {InvalidPathError} when the workspace can't be part of a path.
 */
export function requestPath(
  { workspace, path, query = {} }: Pick<KcpRequest, 'workspace' | 'path' | 'query'>,
  basePath = '',
): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const each of value) search.append(key, String(each));
    else if (value !== undefined) search.set(key, String(value));
  }
  const suffix = search.size === 0 ? '' : `?${search.toString()}`;
  return basePath + (workspace === undefined ? path : workspacePath(workspace, path)) + suffix;
}

/** Who sends requests. */
export interface Sender {
  /** As for {@link requestPath}. */
  readonly basePath: string;
  /** This server's own, for all requests; undefined: each request is its caller's. */
  readonly identity: Identity | undefined;
}

/**
 * The only Authorization that a request can have: its caller's token, or the one of this server's own identity. None with a
 * client certificate, which is the connection's.
 */
export function authorizationOf(token: string, identity: Identity | undefined): { readonly authorization?: string } {
  const bearer = identity === undefined ? token : identity.token;
  return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
}

/**
 * The request as undici takes it.
 * @throws {InvalidPathError} when the workspace can't be part of a path.
 */
export function dispatchOptions(
  request: KcpRequest,
  signal: AbortSignal,
  { basePath, identity }: Sender,
): Dispatcher.RequestOptions & { signal: AbortSignal } {
  const { method = 'GET', body, token } = request;
  const { authorization: _, ...headers } = request.headers ?? {};
  return {
    path: requestPath(request, basePath),
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'kcp-mcp-runtime',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      ...authorizationOf(token, identity),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal,
  };
}
