import { API_VERSION, KCP_MCP_SERVER, KIND, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { ContestedError, type KubeObject } from '../kube/index.ts';
import { contested } from './contested.ts';
import type { Run } from './run.ts';
import { lookAgain, summarize } from './status.ts';
import type { Announcer } from './transitions.ts';

/** The only one who writes status: one server-side apply at the end of a reconcile, none when nothing differs. */
export async function writeStatus(
  { server, report, now, applier, applied, caches, signal }: Run,
  announce: Announcer,
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
  try {
    const ensured = await applier.ensureStatus<KubeObject>(KCP_MCP_SERVER, desired, server, { informer, signal });
    applied.set(KIND, ensured);
    if (ensured.action !== 'unchanged') announce.written(server, status);
  } catch (error) {
    if (!(error instanceof ContestedError)) throw error;
    lookAgain(report, error.contest.againMs);
    announce.contested(server, contested(error.contest, KCP_MCP_SERVER, server.metadata));
  }
}
