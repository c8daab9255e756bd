/**
 * The finalizer that a KcpMcpServer carries while there is something of it in another namespace. It holds up a deletion for
 * a minute at most: what can't be deleted by then is left, and told (docs/adr/0018).
 */
import { API_VERSION, GROUP, KCP_MCP_SERVER, KIND, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { isNotFound, keyOf, type EventRecorder, type KubeClient, type Logger } from '../kube/index.ts';
import { FIELD_MANAGER } from '../resources/names.ts';
import type { Caches } from './caches.ts';
import { RetryError } from './errors.ts';
import { deleteMinted, mintedOf } from './minted-objects.ts';
import type { Run } from './run.ts';
import { oneLine } from './text.ts';

export const FINALIZER = `${GROUP}/minted-kubeconfigs`;

export const hasFinalizer = ({ metadata }: KcpMcpServer): boolean => metadata.finalizers?.includes(FINALIZER) ?? false;

type Context = Pick<Run, 'caches' | 'client' | 'signal'>;

/** Before anything is made elsewhere. One that is on its way out can't get it any more: the API server refuses. */
export async function addFinalizer(server: KcpMcpServer, context: Context): Promise<KcpMcpServer> {
  if (hasFinalizer(server)) return server;
  return setFinalizers(server, [...(server.metadata.finalizers ?? []), FINALIZER], context);
}

export async function removeFinalizer(server: KcpMcpServer, context: Context): Promise<KcpMcpServer> {
  if (!hasFinalizer(server)) return server;
  const others = server.metadata.finalizers?.filter((finalizer) => finalizer !== FINALIZER) ?? [];
  return setFinalizers(server, others, context);
}

/** By merge patch: what server-side apply removes stays when somebody else (a restored backup) owns it, too. */
async function setFinalizers(
  server: KcpMcpServer,
  finalizers: string[],
  { caches, client, signal }: Context,
): Promise<KcpMcpServer> {
  const { name, namespace, resourceVersion } = server.metadata;
  const metadata = { name, ...(namespace && { namespace }), ...(resourceVersion && { resourceVersion }), finalizers };
  const patch = { apiVersion: API_VERSION, kind: KIND, metadata };
  const patched = await client.mergePatch<KcpMcpServer>(KCP_MCP_SERVER, patch, { fieldManager: FIELD_MANAGER, signal });
  caches.servers.observe(patched);
  return { ...server, metadata: patched.metadata };
}

export interface FinalizeOptions {
  caches: Caches;
  client: KubeClient;
  events: Pick<EventRecorder, 'event'>;
  logger: Logger;
  now: () => Date;
}

/** How long a deletion is held up by something that can't be deleted. */
const PATIENCE_MS = 60_000;

/**
 * What a KcpMcpServer that is being deleted leaves to be done. Throws {@link RetryError} for "again, after backoff".
 */
export function createFinalize({ caches, client, events, logger, now }: FinalizeOptions) {
  /** When it first didn't work, by uid. */
  const since = new Map<string, number>();

  return async (server: KcpMcpServer, signal: AbortSignal): Promise<void> => {
    const uid = server.metadata.uid ?? '';
    if (!hasFinalizer(server)) {
      since.delete(uid);
      return;
    }
    try {
      // What is known goes at once, lest it be left behind for what can't be read.
      for (const kubeconfig of mintedOf(server, caches)) await deleteMinted(kubeconfig, client, signal);
      const { phase, message } = caches.kubeconfigs.state();
      // Without a list there is no saying what is ours. Where the kind is gone, so are they.
      if (phase !== 'synced' && phase !== 'absent') throw new Error(`Kubeconfigs can't be read: ${message ?? phase}`);
    } catch (error) {
      if (signal.aborted) throw error;
      const first = since.get(uid);
      since.set(uid, first ?? now().getTime());
      const givenUp = first !== undefined && now().getTime() - first >= PATIENCE_MS;
      if (first === undefined || givenUp) tell(server, error, givenUp);
      if (!givenUp) throw new RetryError(oneLine(String(error)));
    }
    since.delete(uid);
    try {
      await removeFinalizer(server, { caches, client, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  function tell(server: KcpMcpServer, error: unknown, givenUp: boolean): void {
    const names = mintedOf(server, caches).map(({ metadata }) => keyOf(metadata));
    const what = names.length > 0 ? `Kubeconfig ${names.join(' and ')}` : 'what was made beside the FrontProxy';
    const then = givenUp
      ? `${what} is left behind: delete it by hand`
      : `It is tried for ${PATIENCE_MS / 1000} s; then ${what} is left behind`;
    const note = `cleaning up fails: ${oneLine(error instanceof Error ? error.message : String(error))}. ${then}`;
    const reason = givenUp ? 'LeftBehind' : 'CleanupFailed';
    events.event({ regarding: server, type: 'Warning', reason, action: 'Cleanup', note });
    logger.warn('cleaning up fails', { server: keyOf(server.metadata), note });
  }
}
