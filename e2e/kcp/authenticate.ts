import type { AccessGate } from './access.ts';
import { audienceOf, callerOf } from './caller.ts';
import type { Exchange } from './exchange.ts';
import type { Credentials } from './plane-client.ts';
import type { Plane } from './plane.ts';
import type { Registry } from './registry.ts';
import { sendStatus, unauthorized } from './status.ts';
import { rootCluster } from './workspace.ts';

const anonymous = 'system:anonymous';

/** A caller whose name is known. */
export interface AuthenticatedCaller {
  user: string;
  /** Whether the caller may enter the workspace that was asked about. */
  mayEnter: boolean;
  /** Absent for the anonymous. */
  credentials?: Credentials;
  key: string;
}

/**
 * Finds out who calls, and whether they may enter a workspace (root, where none is given). Answers 401 itself, and
 * returns undefined then.
 */
export async function authenticate(
  { request, response, entry }: Exchange,
  { registry, gate }: { registry: Registry; gate: AccessGate },
  workspace?: Plane,
): Promise<AuthenticatedCaller | undefined> {
  const caller = callerOf(request);
  const audience = audienceOf(request.headers.authorization);
  if (audience !== undefined) entry.audience = audience;
  // Any plane can tell who it is; root's is always there.
  const plane = workspace ?? registry.planeOf(rootCluster);
  if (caller.kind === 'anonymous') {
    entry.user = anonymous;
    return { user: anonymous, mayEnter: false, key: '' };
  }
  const verdict =
    caller.kind === 'known' && plane ? await gate.enter(plane, caller.credentials, caller.key) : undefined;
  if (caller.kind === 'refused' || !verdict || verdict.unauthorized) {
    sendStatus(response, unauthorized());
    return undefined;
  }
  entry.user = verdict.user;
  return { user: verdict.user, mayEnter: verdict.allowed, credentials: caller.credentials, key: caller.key };
}
