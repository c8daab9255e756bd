import type { AccessGate, Question } from './access.ts';
import { authenticate } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import type { Registry } from './registry.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import { forbidden, sendJSON, sendNotFound, sendStatus } from './status.ts';
import { serveWildcard } from './wildcard.ts';
import { rootCluster, shardName } from './workspace.ts';

/** The one virtual workspace that the stand-in has: that of the APIExport which Workspaces themselves come from. */
const tenancyExport = /^\/services\/apiexport\/root\/tenancy\.kcp\.io\/clusters\/([^/]+)(\/.*)?$/;

/**
 * Answers below `/services/`. kcp asks for verb list, watch, … on `apiexports/content` of the export, in the workspace that
 * the export lies in; rights in the workspaces whose objects are read don't count. Each shard shows what lies on it.
 */
export async function serveVirtualWorkspace(
  exchange: Exchange,
  options: { registry: Registry; gate: AccessGate; shard?: string },
): Promise<void> {
  const { request, response, url, entry } = exchange;
  const { registry, gate, shard = shardName } = options;
  const caller = await authenticate(exchange, options);
  if (!caller) return;
  const match = tenancyExport.exec(url.pathname);
  const cluster = decodeURIComponent(match?.[1] ?? '');
  const root = registry.planeOf(rootCluster);
  // Ids only: paths mean nothing to a virtual workspace.
  if (!match || !root || (cluster !== '*' && !registry.planeOf(cluster))) {
    const info = requestInfo(request.method ?? '', url.pathname, url.searchParams);
    sendStatus(response, forbidden(caller.user, info, 'Path not resolved to a valid virtual workspace'));
    return;
  }
  entry.workspace = cluster;
  const info = requestInfo(request.method ?? '', match[2] ?? '/', url.searchParams);
  const { credentials, key } = caller;
  const verdict =
    credentials && caller.mayEnter ? await gate.ask(root, credentials, key, contentQuestion(info)) : undefined;
  if (!verdict?.allowed) sendStatus(response, forbidden(caller.user, info));
  else if (info.isResource) {
    serveWildcard(request, response, { cache: registry.cacheOf(shard), cluster, info, query: url.searchParams });
  } else {
    const discovery = discoveryDocument(info.path);
    if (discovery) sendJSON(response, 200, discovery);
    else sendNotFound(response);
  }
}

function contentQuestion(info: RequestInfo): Question {
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
