import type { ServerResponse } from 'node:http';
import { homeClusterOf } from './ids.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Registry } from './registry.ts';
import type { RequestInfo } from './request-info.ts';
import { sendJSON } from './status.ts';
import { rootCluster } from './workspace.ts';

/** Whether a request asks for the caller's home workspace: `kubectl get workspace ~` in root. */
export function asksForHome(cluster: string | undefined, info: RequestInfo): boolean {
  const { verb, group, resource, name } = info;
  return (
    cluster === rootCluster && verb === 'get' && group === 'tenancy.kcp.io' && resource === 'workspaces' && name === '~'
  );
}

/** Answers with the user's home workspace. Whoever has none is given one, and told to come again while it is made. */
export async function serveHome(
  response: ServerResponse,
  { registry, lifecycle, user, url }: { registry: Registry; lifecycle: Lifecycle; user: string; url: string },
): Promise<void> {
  const cluster = homeClusterOf(user);
  if (!registry.planeOf(cluster)) {
    await lifecycle.makeHome(cluster, user);
    response.writeHead(429, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
    response.end('Creating the home workspace\n');
    return;
  }
  sendJSON(response, 200, {
    apiVersion: 'tenancy.kcp.io/v1alpha1',
    kind: 'Workspace',
    metadata: { name: cluster },
    spec: { cluster, URL: `${url}/clusters/${cluster}` },
    status: { phase: 'Ready' },
  });
}
