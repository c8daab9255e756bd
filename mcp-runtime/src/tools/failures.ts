import { mayEnter } from '../kcp/access.ts';
import type { KcpClient } from '../kcp/client.ts';
import { UnknownKindError } from '../kcp/discovery.ts';
import { KcpError, KcpStatusError, NotPermittedError } from '../kcp/errors.ts';
import { explain, isMissingWorkspace } from '../kcp/explain.ts';
import type { Explanation } from '../kcp/explain.ts';
import type { CallerWorkspaces } from '../kcp/inventory.ts';
import { stringAt } from '../kcp/json.ts';
import { InvalidPathError } from '../kcp/paths.ts';
import { ToolError } from './tool.ts';
import type { Call } from './tool.ts';

/** A call of several steps that failed at one of them: what was done before has to be told, too. */
export class PartlyDoneError extends Error {
  override readonly name = 'PartlyDoneError';
  /** What was done, for the model. */
  readonly done: string;

  /** @param cause what made the next step fail. */
  constructor(done: string, cause: unknown) {
    super('only a part was done', { cause });
    this.done = done;
  }
}

/**
 * What is said of a call that failed. What the failure shows to be outdated is forgotten.
 * @throws what isn't a failure of the call but a fault of ours.
 */
export async function explainFailure(error: unknown, call: Call, kcp: KcpClient): Promise<Explanation> {
  if (error instanceof PartlyDoneError) {
    const { text, result } = await explainFailure(error.cause, call, kcp);
    return { text: `${error.done}\n\nThe next step failed: ${text}`, result };
  }
  if (error instanceof ToolError) return { text: error.message, result: error.result };
  if (error instanceof NotPermittedError) return { text: error.message, result: 'forbidden' };
  if (error instanceof InvalidPathError) return { text: error.message, result: 'invalid' };
  if (error instanceof UnknownKindError) return { text: error.message, result: 'not_found' };
  if (call.signal.aborted) return { text: 'The call was cancelled.', result: 'cancelled' };
  if (!(error instanceof KcpError)) throw error;

  const { principal, inventory, discovery, signal } = call;
  const { workspace, target } = error.context;
  if (error instanceof KcpStatusError && isMissingWorkspace(error) && workspace !== undefined) {
    inventory.refused(principal, workspace);
  }
  if (error instanceof KcpStatusError && target !== undefined && mayBeOutdated(error)) {
    discovery.forget({ workspace, groupVersion: target, principal });
  }
  return explain(error, {
    principal,
    workspaces: () => callerWorkspaces(call),
    async mayEnter(place) {
      const open = await mayEnter(kcp, place, { token: principal.token, signal }).catch(() => undefined);
      // A right that is missing in an open workspace says nothing of workspaces.
      if (open === false && place !== undefined) inventory.refused(principal, place);
      return open;
    },
  });
}

/** The caller's workspaces, where they may be told and can be found out. */
export async function callerWorkspaces({
  inventory,
  policy,
  principal,
  signal,
}: Pick<Call, 'inventory' | 'policy' | 'principal' | 'signal'>): Promise<CallerWorkspaces | undefined> {
  if (policy.refuseKind({ group: 'tenancy.kcp.io', kind: 'Workspace' }) !== undefined) return undefined;
  try {
    return await inventory.get(principal, signal);
  } catch (error) {
    if (error instanceof KcpError || signal.aborted) return undefined;
    throw error;
  }
}

/** Whether what discovery said may not hold any more: access is gone, or the API (a missing object is named in the answer). */
function mayBeOutdated({ status, body }: KcpStatusError): boolean {
  return status === 403 || (status === 404 && stringAt(body, 'details', 'name') === undefined);
}
