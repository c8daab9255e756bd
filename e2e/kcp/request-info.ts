/** What a request asks of which object: the attributes that Kubernetes authorizes. */
export interface RequestInfo {
  /** False for `/version`, discovery and the like. */
  isResource: boolean;
  /** `get`, `list`, `watch`, … for resources; the HTTP method in lower case for other paths. */
  verb: string;
  path: string;
  group: string;
  version: string;
  namespace: string;
  resource: string;
  name: string;
  subresource: string;
}

const methodVerbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
/** `/namespaces/NAME/…` whose last part belongs to the namespace itself. */
const namespaceSubresources = new Set(['status', 'finalize']);

/**
 * Reads a request as kube-apiserver does (apiserver's `RequestInfoFactory`): the words of its 403 messages follow from it.
 *
 * @param path the path inside the workspace, without query
 */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResource: false,
    verb: method.toLowerCase(),
    path,
    group: '',
    version: '',
    namespace: '',
    resource: '',
    name: '',
    subresource: '',
  };
  let parts = path.split('/').filter(Boolean).map(decode);
  const prefix = parts[0];
  if (parts.length < 3 || (prefix !== 'api' && prefix !== 'apis')) return info;
  if (prefix === 'apis' && parts.length < 4) return info;
  if (prefix === 'apis') info.group = parts[1] ?? '';
  parts = parts.slice(prefix === 'apis' ? 2 : 1);
  info.isResource = true;
  info.version = parts[0] ?? '';
  parts = parts.slice(1);
  info.verb = methodVerbs[method] ?? '';
  if (parts[0] === 'watch') {
    info.verb = 'watch';
    parts = parts.slice(1);
  }
  if (parts[0] === 'namespaces' && parts[1] !== undefined) {
    info.namespace = parts[1];
    if (parts[2] !== undefined && !namespaceSubresources.has(parts[2])) parts = parts.slice(2);
  }
  [info.resource = '', info.name = '', info.subresource = ''] = parts;
  if (info.name === '') narrowCollection(info, query);
  return info;
}

function narrowCollection(info: RequestInfo, query: URLSearchParams): void {
  if (info.verb === 'delete') info.verb = 'deletecollection';
  if (info.verb !== 'get') return;
  info.verb = ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  info.name = /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
