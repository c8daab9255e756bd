/** Errors of the API server and of the way to it. */

/** `metav1.StatusReason`, or one of ours: `Network`, `Timeout`, `Aborted`, `MissingKind`, `Malformed`. */
export type ErrorReason = string;

export interface ApiErrorInit {
  status: number;
  reason: ErrorReason;
  message: string;
  retryAfterMs?: number | undefined;
  code?: string | undefined;
  fields?: readonly string[];
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
  /** The fields that an `Invalid` object is about, e.g. `metadata.uid`. */
  readonly fields: readonly string[];

  constructor(init: ApiErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    this.retryAfterMs = init.retryAfterMs;
    this.code = init.code;
    this.fields = init.fields ?? [];
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
/** Worth trying again later without a change of anything: unreachable, throttled, overloaded, conflicting. */
export const isTransient = (error: unknown): boolean =>
  isApiError(error) &&
  (isUnreachable(error) || isConflict(error) || error.status === 429 || error.status >= 500 || error.status === 401);

const MAX_MESSAGE = 1024;

/** The parts of `metav1.Status` that are read. */
export interface Status {
  code?: number;
  reason?: string;
  message?: string;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; field?: string }[];
  };
}

/** What was asked, for error messages. */
export interface Asked {
  method: string;
  path: string;
  /** Whether the request is about Secrets: then the server's message, which may quote data, is replaced. */
  secret: boolean;
}

/** The error of an answer that isn't 2xx. `body` is a `metav1.Status`, or whatever a proxy sent instead. */
export function errorFromResponse(
  asked: Asked,
  code: number,
  headers: { 'retry-after'?: string | string[]; date?: string | string[] },
  body: string,
): ApiError {
  return errorFromStatus(asked, parseStatus(body), code, secondsToWait(headers));
}

/** RFC 9110 §10.2.3: seconds, or a date, which counts by the sender's own clock. */
function secondsToWait(headers: { 'retry-after'?: string | string[]; date?: string | string[] }): number | undefined {
  const [value, date] = [headers['retry-after'], headers.date].map((each) => [each ?? ''].flat()[0] ?? '');
  if (value === undefined || value === '') return undefined;
  return /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.parse(date ?? '')) / 1000;
}

/** The error of a Status: an answer's, or that of an ERROR event in a watch. */
export function errorFromStatus(
  asked: Asked,
  status: Status | undefined,
  code?: number,
  retryAfterSeconds?: number,
): ApiError {
  const httpStatus = code ?? status?.code ?? 500;
  const missingKind = httpStatus === 404 && status?.details?.name === undefined;
  const reason = missingKind ? 'MissingKind' : reasonOf(status, httpStatus);
  const seconds = Number(retryAfterSeconds ?? status?.details?.retryAfterSeconds);
  return new ApiError({
    status: httpStatus,
    reason,
    message: `${asked.method} ${asked.path}: ${describe(asked, status, httpStatus, missingKind)}`,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
    fields: (status?.details?.causes ?? []).flatMap(({ field }) => field ?? []),
  });
}

function reasonOf(status: Status | undefined, code: number): string {
  if (status?.reason !== undefined && status.reason !== '') return status.reason;
  if (code === 429) return 'TooManyRequests';
  return code >= 500 ? 'InternalError' : 'Unknown';
}

function describe(asked: Asked, status: Status | undefined, code: number, missingKind: boolean): string {
  if (missingKind) return 'the API server does not serve this kind';
  // 401, 403 and 404 are made by the API server itself and name user, verb and object, never content
  if (asked.secret && ![401, 403, 404].includes(code)) {
    const causes = (status?.details?.causes ?? []).map((cause) => `${cause.field ?? '?'} (${cause.reason ?? '?'})`);
    return [`${reasonOf(status, code)} (${code})`, ...causes].join('; ');
  }
  return clean(status?.message ?? `HTTP status ${code}`);
}

/** One line of bounded length: it ends up in logs and conditions. */
function clean(message: string): string {
  // eslint-disable-next-line no-control-regex
  const line = message.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as (Status & { kind?: string }) | null;
    return parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The error of a request that got no answer. Only the error's code and the text of TLS verification are shown. */
export function errorFromNetwork(asked: Asked, cause: unknown): ApiError {
  const error = (cause ?? {}) as { code?: string; name?: string; message?: string; cause?: { code?: string } };
  const code = error.code ?? error.cause?.code ?? error.name ?? 'unknown error';
  const verification = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_/.test(code) ? `: ${clean(error.message ?? '')}` : '';
  return new ApiError({
    status: 0,
    reason: 'Network',
    code,
    message: `${asked.method} ${asked.path}: no answer from the API server (${code}${verification})`,
  });
}
