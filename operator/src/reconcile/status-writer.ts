import { API_VERSION, KCP_MCP_SERVER, KIND, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { KubeObject } from '../kube/index.ts';
import type { Run } from './run.ts';
import { summarize } from './status.ts';
import type { Announce } from './transitions.ts';

/** The only one who writes status: one server-side apply at the end of a reconcile, none when nothing differs. */
export async function writeStatus(
  { server, report, now, applier, caches, signal }: Run,
  announce: Announce,
): Promise<void> {
  const { name, namespace } = server.metadata;
  const status = summarize(server, report, now);
  const desired: KubeObject & Pick<KcpMcpServer, 'status'> = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    status,
  };
  const informer = {
    observe: (object: KubeObject) => {
      caches.servers.observe(object as KcpMcpServer);
    },
  };
  const { action } = await applier.ensureStatus(KCP_MCP_SERVER, desired, server, { informer, signal });
  if (action !== 'unchanged') announce(server, status);
}
