import { createHash } from 'node:crypto';
import type { Asker } from './access.ts';
import type { KcpClient } from './client.ts';
import { KcpStatusError, KcpUnreachableError } from './errors.ts';
import { stringAt } from './json.ts';
import { resourcePath } from './paths.ts';
import type { Workspace } from './workspace.ts';

/**
 * The id of the logical cluster that is, or would be, a user's home workspace: no Workspace object stands above it, so
 * that no list shows it. kcp derives it from the user's name: the first 8 bytes of its SHA-224 in base 36, with a "0"
 * for each leading zero byte.
 *
 * It can also be asked for as Workspace `~` of root, but that request *makes* a home for whoever has none.
 *
 * @see https://github.com/kcp-dev/kcp/blob/main/pkg/index/rewriters/user.go
 */
export function homeClusterOf(userName: string): string {
  const bytes = createHash('sha224').update(userName).digest().subarray(0, 8);
  const leading = bytes.findIndex((byte) => byte !== 0);
  if (leading === -1) return '0'.repeat(bytes.length);
  return '0'.repeat(leading) + bytes.readBigUInt64BE().toString(36);
}

/** A user's home workspace as it is shown: by its id. The path that kcp gives it (`user:NAME`) holds the name, which a path can't always. */
export function homeWorkspace(userName: string): Workspace {
  const cluster = homeClusterOf(userName);
  return { path: cluster, name: cluster, cluster, type: 'root:home', phase: undefined };
}

const REVIEWS = { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' } as const;

/**
 * The name that kcp knows the caller by. Its answer says it even where the caller may not enter: a 403 names the user.
 *
 * @returns undefined where kcp answers with another refusal that doesn't say.
 * @throws {KcpError} where kcp doesn't answer, or with 401 or 5xx.
 */
export async function userNameAt(kcp: KcpClient, workspace: string, asker: Asker): Promise<string | undefined> {
  const ask = () =>
    kcp.request({
      workspace,
      path: resourcePath(REVIEWS),
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      target: { verb: 'create', kind: 'SelfSubjectReview', ...REVIEWS },
      ...asker,
    });
  try {
    // The client repeats only what it knows to change nothing, which this does not either: the connection may have been stale.
    const review = await ask().catch((error: unknown) => {
      if (error instanceof KcpUnreachableError) return ask();
      throw error;
    });
    return stringAt(review, 'status', 'userInfo', 'username');
  } catch (error) {
    if (!(error instanceof KcpStatusError) || error.status === 401 || error.status >= 429) throw error;
    return error.status === 403 ? userNameIn(error.message) : undefined;
  }
}

/** The user named by a 403 (`… User "alice@example.com" cannot …`): quoted as Go does, of which JSON reads what names hold. */
export function userNameIn(message: string): string | undefined {
  const quoted = /\bUser ("(?:[^"\\]|\\.)*") cannot /.exec(message)?.[1];
  if (quoted === undefined) return undefined;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
