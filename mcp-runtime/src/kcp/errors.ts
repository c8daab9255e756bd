import { arrayAt, at, stringAt } from './json.ts';

/** What a request to kcp was for: names the action in error messages. */
export interface Target {
  /** Kubernetes verb: `get`, `list`, … */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** Where a failed request went. Never holds headers: they carry the caller's token. */
export interface RequestContext {
  /** `host:port` of kcp. */
  readonly host: string;
  /** Undefined for the one cluster that there is where it isn't kcp. */
  readonly workspace: string | undefined;
  readonly path: string;
  readonly target: Target | undefined;
}

/** What messages call the other side: kcp, or what serves the one cluster that there is. */
export function serverName({ workspace }: Pick<RequestContext, 'workspace'>): string {
  return workspace === undefined ? 'the API server' : 'kcp';
}

/** A request to kcp that brought no usable answer. */
export abstract class KcpError extends Error {
  readonly context: RequestContext;

  constructor(message: string, context: RequestContext) {
    super(message);
    this.context = context;
  }
}

/** kcp answered with an error. */
export class KcpStatusError extends KcpError {
  override readonly name = 'KcpStatusError';
  /** HTTP status code. */
  readonly status: number;
  /** The `metav1.Status` that came with it, if one did. */
  readonly body: unknown;
  /** Header `Retry-After`, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: unknown, context: RequestContext, retryAfter?: number) {
    super(stringAt(body, 'message') ?? `${serverName(context)} answered ${status}`, context);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/**
 * What the API server said it would refuse, so that it wasn't asked (`validation_enabled`): whoever does with less where it is
 * refused does so here, too.
 */
export class NotPermittedError extends KcpStatusError {
  constructor(message: string, context: RequestContext) {
    super(403, { message }, context);
  }
}

/** No connection to kcp, or one that broke. */
export class KcpUnreachableError extends KcpError {
  override readonly name = 'KcpUnreachableError';
  /** Node's, OpenSSL's or undici's error code, such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(code: string, context: RequestContext) {
    super(`${serverName(context)} at ${context.host} can't be reached: ${code}`, context);
    this.code = code;
  }
}

/** kcp didn't answer in time. */
export class KcpTimeoutError extends KcpError {
  override readonly name = 'KcpTimeoutError';

  constructor(milliseconds: number, context: RequestContext) {
    super(`${serverName(context)} at ${context.host} didn't answer within ${milliseconds / 1000} s`, context);
  }
}

/** An answer larger than this server takes. */
export class KcpTooLargeError extends KcpError {
  override readonly name = 'KcpTooLargeError';

  /** @param bound what it is larger than, such as `4096 KiB`. */
  constructor(bound: string, context: RequestContext) {
    super(`the answer of ${serverName(context)} is larger than ${bound}`, context);
  }
}

/** An answer that isn't the Kubernetes API: not JSON, or a redirect. */
export class KcpProtocolError extends KcpError {
  override readonly name = 'KcpProtocolError';
}

/** The caller went away, or the deadline of the whole call passed. */
export class CancelledError extends KcpError {
  override readonly name = 'CancelledError';
}

/** Too many large answers are being read at once; the same call works a moment later. */
export class KcpBusyError extends KcpError {
  override readonly name = 'KcpBusyError';
}

/** The code of an error of the connection, also of one inside another; never its message, which is not ours to vouch for. */
export function errorCode(error: unknown): string {
  const [first] = arrayAt(error, 'errors');
  const nested = first ?? at(error, 'cause');
  return stringAt(error, 'code') ?? (nested === undefined ? 'unknown error' : errorCode(nested));
}

/** This server's own identity was taken back; nothing was sent. */
export class NoIdentityError extends KcpError {
  override readonly name = 'NoIdentityError';
  constructor(context: RequestContext) {
    super(
      'This server has no credentials for kcp any more: those who run it took them out of its kubeconfig.',
      context,
    );
  }
}
