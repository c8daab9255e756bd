import { mayEnter } from '../kcp/access.ts';
import type { KcpClient } from '../kcp/client.ts';
import type { Target } from '../kcp/errors.ts';
import type { CommandOutput, CommandRequest } from '../kcp/exec.ts';
import type { KcpRequest } from '../kcp/request.ts';
import type { TextEnd } from '../kcp/response.ts';
import type { CallContext } from './tool.ts';

/** A request of a tool: who asks is the call's, and so is until when, unless it is told a `signal` that fires earlier. */
export type ApiRequest = Omit<KcpRequest, 'token'>;

/** An action on the cluster, as the gates look at it. */
export interface Action {
  readonly workspace: string | undefined;
  readonly target: Target;
}

/** kcp, or the one cluster that there is, in the name of the caller. */
export interface CallerApi {
  /** @throws {KcpError} {ToolError} {InputNeeded} */
  request(request: ApiRequest): Promise<unknown>;
  /** The end of an answer that is text. @throws as `request` */
  text(request: ApiRequest & { readonly keepBytes: number }): Promise<TextEnd>;
  /** Runs a command in a Pod. @throws as `request` */
  exec(request: ApiRequest & Pick<CommandRequest, 'keepBytes' | 'stopAfterMs'>): Promise<CommandOutput>;
  /** Whether the caller may enter a workspace. @throws {KcpError} where kcp says neither yes nor no */
  mayEnter(workspace: string): Promise<boolean>;
  /**
   * Passes all gates for actions that will follow, so that a call of several isn't stopped when half of it is done.
   * @param besides more of them, that the call can do without if the caller has no right to them.
   * @throws {ToolError} {InputNeeded} {NotPermittedError}
   */
  clear(actions: readonly Action[], besides?: readonly Action[]): Promise<void>;
}

/** What has to be passed before an action; as `CallerApi.clear`. */
export type Gate = CallerApi['clear'];

/**
 * The only way of tools to the cluster: every request carries the caller's token and ends with the call, and what it is for
 * passes the gates first.
 */
export function createCallerApi(
  kcp: KcpClient,
  { principal, signal }: Pick<CallContext, 'principal' | 'signal'>,
  gate: Gate,
): CallerApi {
  async function pass<T extends ApiRequest>(request: T): Promise<T & KcpRequest> {
    const { workspace, target } = request;
    if (target !== undefined) await gate([{ workspace, target }]);
    return { signal, ...request, token: principal.token };
  }
  return {
    request: async (request) => kcp.request(await pass(request)),
    text: async (request) => kcp.text(await pass(request)),
    exec: async (request) => kcp.exec(await pass(request)),
    mayEnter: (workspace) => mayEnter(kcp, workspace, { token: principal.token, signal }),
    clear: gate,
  };
}
