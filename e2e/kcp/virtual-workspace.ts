import { callerOf } from './caller.ts';
import { anonymous } from './front.ts';
import type { Exchange, FrontOptions } from './front.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import { forbidden, pathNotFound, sendJSON, sendStatus, unauthorized, unavailable } from './status.ts';
import { serveWildcard } from './wildcard.ts';
import { rootCluster } from './workspace.ts';

/** The one virtual workspace that the stand-in has: that of the APIExport which Workspaces themselves come from. */
const tenancyExport = /^\/services\/apiexport\/root\/tenancy\.kcp\.io\/clusters\/([^/]+)(\/.*)?$/;

/**
 * Answers below `/services/`. kcp asks for verb list, watch, … on `apiexports/content` of the export, in the workspace that
 * the export lies in; rights in the workspaces whose objects are read don't count.
 */
export async function serveVirtualWorkspace(exchange: Exchange, options: FrontOptions): Promise<void> {
  const { request, response, url, entry } = exchange;
  const match = tenancyExport.exec(url.pathname);
  const info = requestInfo(request.method ?? '', match?.[2] ?? url.pathname, url.searchParams);
  const caller = callerOf(request);
  const root = options.registry.planeOf(rootCluster);
  if (!root) {
    sendStatus(response, unavailable('kcp is starting'));
    return;
  }
  if (caller.kind === 'refused') {
    sendStatus(response, unauthorized());
    return;
  }
  if (caller.kind === 'anonymous') {
    entry.user = anonymous;
    sendStatus(response, forbidden(anonymous, info));
    return;
  }
  const entered = await options.gate.enter(root, caller.credentials, caller.key);
  const verdict = entered.allowed
    ? await options.gate.ask(root, caller.credentials, caller.key, contentQuestion(info))
    : entered;
  if (verdict.unauthorized) {
    sendStatus(response, unauthorized());
    return;
  }
  entry.user = verdict.user;
  if (!verdict.allowed || !match) {
    sendStatus(response, forbidden(verdict.user, info));
    return;
  }
  entry.workspace = decodeURIComponent(match[1] ?? '');
  if (info.isResource) {
    const cluster = entry.workspace === '*' ? '*' : (options.registry.resolve(entry.workspace) ?? '');
    serveWildcard(request, response, { cache: options.registry.workspaces, cluster, info, query: url.searchParams });
    return;
  }
  const discovery = discoveryDocument(info.path);
  if (discovery) sendJSON(response, 200, discovery);
  else sendStatus(response, pathNotFound());
}

function contentQuestion(info: RequestInfo): Parameters<FrontOptions['gate']['ask']>[3] {
  const verb = info.isResource ? info.verb : 'get';
  const resourceAttributes = { group: 'apis.kcp.io', resource: 'apiexports', subresource: 'content', name: 'tenancy.kcp.io', verb }; // prettier-ignore
  return { resourceAttributes };
}

function discoveryDocument(path: string): unknown {
  const version = { groupVersion: 'tenancy.kcp.io/v1alpha1', version: 'v1alpha1' };
  const group = { name: 'tenancy.kcp.io', versions: [version], preferredVersion: version };
  if (path === '/api') return { kind: 'APIVersions', versions: [], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] };
  if (path === '/apis/tenancy.kcp.io') return { kind: 'APIGroup', apiVersion: 'v1', ...group };
  if (path !== '/apis/tenancy.kcp.io/v1alpha1') return undefined;
  const workspaces = { name: 'workspaces', singularName: 'workspace', namespaced: false, kind: 'Workspace' };
  const resources = [{ ...workspaces, verbs: ['get', 'list', 'watch'], shortNames: ['ws'], categories: ['kcp'] }];
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version.groupVersion, resources };
}
