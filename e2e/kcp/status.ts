import type { ServerResponse } from 'node:http';
import type { RequestInfo } from './request-info.ts';

/** A Kubernetes `Status` (metav1): the body of every error answer. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Failure';
  message: string;
  reason: string;
  details?: { name?: string; group?: string; kind?: string };
  code: number;
}

/** kcp says no more than this about why: the real reason would tell a stranger about the workspace. */
export const accessDenied = 'access denied';

/** 403 for a request that the caller's rights don't cover, in the words of kube-apiserver. */
export function forbidden(user: string, request: RequestInfo, reason = accessDenied): Status {
  const { resource, group, name } = request;
  if (!request.isResource) {
    return failure(403, 'Forbidden', `forbidden: User "${user}" cannot ${request.verb} path "${request.path}": ${reason}`, {}); // prettier-ignore
  }
  const what = request.subresource === '' ? resource : `${resource}/${request.subresource}`;
  const where = request.namespace === '' ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  const attempt = `User "${user}" cannot ${request.verb} resource "${what}" in API group "${group}" ${where}`;
  const object = name === '' ? qualified(resource, group) : `${qualified(resource, group)} "${name}"`;
  return failure(403, 'Forbidden', `${object} is forbidden: ${attempt}: ${reason}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

/** 404 for a path that leads to no workspace. */
export function workspaceNotFound(path: string): Status {
  return failure(404, 'NotFound', `workspaces.tenancy.kcp.io "${path}" not found`, {
    name: path,
    group: 'tenancy.kcp.io',
    kind: 'workspaces',
  });
}

/** 404 for an object. */
export function objectNotFound(resource: string, group: string, name: string): Status {
  return failure(404, 'NotFound', `${qualified(resource, group)} "${name}" not found`, { name, group, kind: resource });
}

export function unauthorized(): Status {
  return failure(401, 'Unauthorized', 'Unauthorized');
}

/** 410 for a watch that wants to resume from events that are no longer kept. */
export function expired(message: string): Status {
  return failure(410, 'Expired', message);
}

export function badRequest(message: string): Status {
  return failure(400, 'BadRequest', message);
}

export function notAcceptable(): Status {
  const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
}

export function methodNotAllowed(): Status {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unavailable(message: string): Status {
  return failure(503, 'ServiceUnavailable', message);
}

/** 404 for a path that nothing serves, in the words of Go's HTTP server. */
export function sendNotFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
}

export function sendStatus(response: ServerResponse, status: Status): void {
  sendJSON(response, status.code, status);
}

export function sendJSON(
  response: ServerResponse,
  code: number,
  body: unknown,
  contentType = 'application/json',
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    'cache-control': 'no-cache, private',
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

function failure(code: number, reason: string, message: string, details?: Status['details']): Status {
  const base = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason } as const;
  return { ...base, ...(details ? { details } : {}), code };
}

function qualified(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}
