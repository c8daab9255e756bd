import type { KcpClient } from './client.ts';
import { KcpStatusError } from './errors.ts';

/** Who asks kcp: the caller's own token, and when to stop. */
export interface Asker {
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether the caller may enter a workspace, asked of kcp with the caller's token.
 *
 * `GET /version` is the cheapest request that kcp puts behind its `access` check: 403 on every path of a workspace means
 * no access to it, so a 403 to another request doesn't tell a missing right inside from a closed door; this does.
 *
 * @param workspace path or logical-cluster id.
 * @throws {KcpError} where kcp gives another answer than yes (200) or no (403), 404 for an unknown workspace included.
 */
export async function mayEnter(
  kcp: KcpClient,
  workspace: string | undefined,
  { token, signal }: Asker,
): Promise<boolean> {
  try {
    await kcp.request({ workspace, path: '/version', token, signal });
    return true;
  } catch (error) {
    if (error instanceof KcpStatusError && error.status === 403) return false;
    throw error;
  }
}
