import { readFile } from 'node:fs/promises';
import { Agent } from 'undici';

/** One request to the identity provider. */
export interface IssuerRequest {
  readonly url: string;
  /** PEM of the CA to trust instead of the well-known ones. */
  readonly caFile: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent by POST; without it the request is a GET. */
  readonly body?: string;
  /** How long all of it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Largest answer, in bytes. */
  readonly maxBytes: number;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

export interface IssuerAnswer {
  readonly statusCode: number;
  readonly text: string;
}

/**
 * Asks the identity provider: no redirects, bounded in time and size. That is done every few minutes for each caller at
 * most, so each request has a connection of its own and reads the CA anew: a renewed one counts at once.
 *
 * @throws Node's and undici's errors of connections, time (`TimeoutError`) and size (`UND_ERR_RES_EXCEEDED_MAX_SIZE`)
 */
export async function requestIssuer(options: IssuerRequest): Promise<IssuerAnswer> {
  const { url, caFile, headers, body, timeoutMs, maxBytes } = options;
  const connect = caFile === undefined ? {} : { connect: { ca: await readFile(caFile, 'utf8') } };
  const dispatcher = new Agent({ allowH2: false, maxResponseSize: maxBytes, ...connect });
  try {
    const timeUp = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined ? timeUp : AbortSignal.any([timeUp, options.signal]);
    const sent = body === undefined ? {} : ({ method: 'POST', body } as const);
    const { origin, pathname, search } = new URL(url);
    const request = { method: 'GET', origin, path: `${pathname}${search}`, headers, signal, ...sent } as const;
    const answer = await dispatcher.request(request);
    return { statusCode: answer.statusCode, text: await answer.body.text() };
  } finally {
    await dispatcher.destroy();
  }
}
