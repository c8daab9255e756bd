/** Errors of the API server and of the way to it. */

/** `metav1.StatusReason`, or one of ours: `Network`, `Timeout`, `Aborted`, `MissingKind`, `Malformed`. */
export type ErrorReason = string;

export interface ApiErrorInit {
  status: number;
  reason: ErrorReason;
  message: string;
  retryAfterMs?: number | undefined;
  code?: string | undefined;
  cause?: unknown;
}

/**
 * Any failed request. The message names verb, path and reason, and never holds a token, a request body or the data of a
 * Secret: it may be logged and shown in conditions.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly reason: ErrorReason;
  /** How long the server asks to wait, in ms. */
  readonly retryAfterMs: number | undefined;
  /** System error code where there was no answer, e.g. `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(init: ApiErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    this.retryAfterMs = init.retryAfterMs;
    this.code = init.code;
  }
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError;
}
const has = (error: unknown, reason: string): boolean => isApiError(error) && error.reason === reason;

/** The object does not exist (nor does {@link isMissingKind} hold). */
export const isNotFound = (error: unknown): boolean => has(error, 'NotFound');
/** The API server doesn't know the kind: its CRD is not installed, or not in this version. */
export const isMissingKind = (error: unknown): boolean => has(error, 'MissingKind');
/** Precondition (uid, resourceVersion) or field ownership. */
export const isConflict = (error: unknown): boolean => has(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => has(error, 'AlreadyExists');
export const isForbidden = (error: unknown): boolean => has(error, 'Forbidden');
/** The request's signal was aborted: no fault. */
export const isAborted = (error: unknown): boolean => has(error, 'Aborted');
/** The resourceVersion (or continue token) is too old: list again. */
export const isGone = (error: unknown): boolean => isApiError(error) && error.status === 410;
/** The object itself is wrong; the same request can never succeed. */
export const isInvalid = (error: unknown): boolean => has(error, 'Invalid') || has(error, 'BadRequest');
/** No answer from the API server. */
export const isUnreachable = (error: unknown): boolean => has(error, 'Network') || has(error, 'Timeout');
