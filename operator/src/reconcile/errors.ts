/** What can keep a KcpMcpServer from being as wanted, and what the operator does about each kind. */
import type { Reason } from '../api/conditions.ts';
import { ForeignObjectError } from '../kube/apply.ts';
import {
  isAborted,
  isApiError,
  isConflict,
  isForbidden,
  isInvalid,
  isTransient,
  isUnreachable,
} from '../kube/errors.ts';
import { oneLine } from './text.ts';

/**
 * - `terminal`: the spec, or an object of somebody else, has to change; `Stalled=True`. Not retried: what has to change is
 *   watched.
 * - `waiting`: something that the spec names isn't there or isn't usable; it is watched and wakes us.
 * - `transient`: a call failed that may succeed later; retried with backoff.
 */
export type ErrorKind = 'terminal' | 'waiting' | 'transient';

/** Something that a person reads in a condition. */
export interface Problem {
  kind: ErrorKind;
  reason: Reason;
  /** What is the matter and what to do. */
  message: string;
  /** Shell command that mends it, shown at the end of the message. */
  command?: string;
}

export const waiting = (reason: Reason, message: string): Problem => ({ kind: 'waiting', reason, message });
export const forbidden = (message: string, command: string): Problem => ({
  kind: 'waiting',
  reason: 'Forbidden',
  message,
  command,
});
export const terminal = (reason: Reason, message: string): Problem => ({ kind: 'terminal', reason, message });

/**
 * A reconcile that has to be tried again. Thrown to the queue, which backs off, after what can be said was written to
 * the status.
 */
export class RetryError extends Error {
  override readonly name = 'RetryError';
  /** Least delay in ms that the API server asked for. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Of webhooks, which choose their status code, and of ValidatingAdmissionPolicies: what they deny now they may let in later. */
const DENIED =
  /admission webhook "[^"]*" denied the request|ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request/;

/** Of the API server, with status 500, when a webhook gives no answer. What follows is of the network, and may change each time. */
const UNANSWERED = /failed calling webhook ("[^"]*")/;

/** Name, in quotes, of the admission webhook that the API server waited for in vain. */
const unansweredBy = (error: unknown): string | undefined =>
  isApiError(error) && error.status === 500 ? UNANSWERED.exec(error.message)?.[1] : undefined;

/**
 * Judges an error of a write to a child.
 * @param what kind and name of the object, for the message: `Deployment kcp-mcp/vespucci-mcp`
 */
export function problemOf(error: unknown, what: string): Problem {
  if (error instanceof ForeignObjectError) return conflict(error.kind, error.key);
  const text = oneLine(error instanceof Error ? error.message : String(error));
  const webhook = unansweredBy(error);
  if (webhook !== undefined) {
    const cure =
      'see that the program that serves it runs, in validatingwebhookconfigurations and mutatingwebhookconfigurations';
    const message = `${what} can't be written, since admission webhook ${oneLine(webhook, 256)} does not answer: ${cure}`;
    return { kind: 'transient', reason: 'Rejected', message };
  }
  if (isInvalid(error) && !DENIED.test(text)) return terminal('Rejected', `the API server refused ${what}: ${text}`);
  // RBAC, a quota, an admission policy or webhook, or a namespace that is going away; none of them is watched.
  if (isForbidden(error) || isInvalid(error))
    return { kind: 'transient', reason: 'Rejected', message: `${what} was refused: ${text}` };
  return { kind: 'transient', reason: 'RetryingAfterError', message: `${what}: ${text}` };
}

/** An object of somebody else is where one of ours has to be. */
export function conflict(kind: string, key: string): Problem {
  return terminal(
    'Conflict',
    `${kind} ${key} exists already and does not belong to this KcpMcpServer; it was left alone. Delete or rename it, or give this resource another name`,
  );
}

/**
 * The longest that the next try may be put off after this error, in ms; undefined: as long as backoff goes. When an API
 * server comes back, or a right was granted, nothing wakes those whose write failed.
 */
export function longestDelayMs(error: unknown): number | undefined {
  const cause = error instanceof RetryError ? error.cause : error;
  if (isUnreachable(cause)) return 2_000;
  return cause === undefined || isTransient(cause) ? 30_000 : undefined;
}

/**
 * True for what isn't worth a word in the status when it happens once, and cuts a reconcile short: races with our own cache, and
 * the way to the API server. A webhook that doesn't answer is about one object, and may not do so for long.
 */
export function isPassing(error: unknown): boolean {
  if (unansweredBy(error) !== undefined) return false;
  return (
    isConflict(error) ||
    isAborted(error) ||
    (isApiError(error) && (error.status === 0 || error.status >= 500 || error.status === 429))
  );
}
