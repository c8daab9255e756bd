/** The Kubeconfigs that were made for a KcpMcpServer, as the cache has them. */
import { KUBECONFIG, type KcpKubeconfig } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeClient, type KubeObject } from '../kube/index.ts';
import { mintedName, serverOfMinted } from '../resources/minted-kubeconfig.ts';
import type { Caches } from './caches.ts';

/** Whether a Kubeconfig was made for this server. By name, not uid: one that comes back (from a backup) goes on with it. */
export const isMintedFor = (server: KcpMcpServer) => {
  const key = keyOf(server.metadata);
  return (object: KubeObject): boolean => serverOfMinted(object) === key;
};

/**
 * Those of this server, wherever they lie, that aren't on their way out. Labels alone don't tell: whoever makes a Kubeconfig of
 * their own out of one of ours has them, too.
 */
export function mintedOf(server: KcpMcpServer, { kubeconfigs }: Pick<Caches, 'kubeconfigs'>): KcpKubeconfig[] {
  const names = [mintedName(server, 'kcp'), mintedName(server, 'index')];
  const all = kubeconfigs.store.byIndex('server', keyOf(server.metadata));
  return all.filter(({ metadata }) => names.includes(metadata.name) && metadata.deletionTimestamp === undefined);
}

/** Only this very object. Done when it is asked to go: kcp-operator's own finalizer may never finish. */
export async function deleteMinted(
  { metadata }: KcpKubeconfig,
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  await client.delete(KUBECONFIG, metadata, { uid: metadata.uid, signal });
}
