import type { Dispatcher } from 'undici';
import type { Target } from './errors.ts';
import { workspacePath } from './paths.ts';

/** One request to kcp, of one caller. */
export interface KcpRequest {
  /** Path or logical-cluster id. */
  readonly workspace: string;
  /** Below the workspace: `/api/v1/namespaces`. Built with `paths.ts`. */
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless it's a string. */
  readonly body?: unknown;
  /** The caller's bearer token. */
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
  /** What the request is for, so that an error can say so. */
  readonly target?: Target | undefined;
}

/**
 * The request as undici takes it. The caller's token is the only Authorization it can have.
 * @throws {InvalidPathError} when the workspace can't be part of a path.
 */
export function dispatchOptions(request: KcpRequest, signal: AbortSignal): Dispatcher.RequestOptions {
  const { workspace, path, query = {}, method = 'GET', headers, body, token } = request;
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  const suffix = search.size === 0 ? '' : `?${search.toString()}`;
  return {
    path: workspacePath(workspace, path) + suffix,
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'kcp-mcp-runtime',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      authorization: `Bearer ${token}`,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal,
  };
}
