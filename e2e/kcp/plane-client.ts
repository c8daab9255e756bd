import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Pki } from './pki.ts';

/** On whose behalf a request goes to a plane. */
export type Credentials =
  /** Presents the caller's own token; the plane authenticates it. */
  | { kind: 'bearer'; authorization: string; impersonation?: Record<string, string | string[]> }
  /** Already authenticated by the front (client certificate), which vouches for it. */
  | { kind: 'user'; user: string; groups: string[]; impersonation?: Record<string, string | string[]> };

export interface PlaneRequest {
  method?: string;
  /** Path and query, as they go over the wire. */
  path: string;
  headers?: Record<string, string | string[]>;
  body?: Readable | string;
  signal?: AbortSignal;
}

/** A plane's refusal of a request of the front's own. */
export class PlaneError extends Error {
  override readonly name = 'PlaneError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The front itself: no rule limits it. */
export const frontIdentity: Credentials = { kind: 'user', user: 'system:kcp:front', groups: ['system:masters'] };

/** Pooled connections to the planes. */
export class PlaneClient {
  /**
   * Two pools, because a client certificate would count before a token: callers' tokens travel on connections without
   * one, and only what the front vouches for on connections with it.
   */
  readonly #callers: Agent;
  readonly #vouched: Agent;

  private constructor(ca: Buffer, cert: Buffer, key: Buffer) {
    // No timeouts: a watch may be silent for long, and a caller who gives up aborts the request.
    const common = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 60_000 };
    this.#callers = new Agent({ ...common, connect: { ca } });
    this.#vouched = new Agent({ ...common, connect: { ca, cert, key } });
  }

  static async open({ planes }: Pki): Promise<PlaneClient> {
    const [ca, cert, key] = await Promise.all([
      readFile(planes.ca.certFile),
      readFile(planes.frontClient.certFile),
      readFile(planes.frontClient.keyFile),
    ]);
    return new PlaneClient(ca, cert, key);
  }

  /** Sends one request; the body of the answer is a stream that must be consumed. */
  send(planeURL: string, as: Credentials, request: PlaneRequest): Promise<Dispatcher.ResponseData> {
    const agent = as.kind === 'bearer' ? this.#callers : this.#vouched;
    return agent.request({
      origin: planeURL,
      method: request.method ?? 'GET',
      path: request.path,
      headers: { ...request.headers, ...identityHeaders(as) },
      body: request.body ?? null,
      ...(request.signal ? { signal: request.signal } : {}),
    });
  }

  /**
   * Sends one request with a JSON body and reads the JSON answer.
   *
   * @throws PlaneError on any status but 2xx
   */
  async json(
    planeURL: string,
    as: Credentials,
    {
      body,
      contentType = 'application/json',
      ...request
    }: Omit<PlaneRequest, 'body'> & { body?: unknown; contentType?: string },
  ): Promise<unknown> {
    const response = await this.send(planeURL, as, {
      ...request,
      headers: { accept: 'application/json', 'content-type': contentType, ...request.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode < 300) return JSON.parse(text);
    throw new PlaneError(response.statusCode, `${request.method ?? 'GET'} ${request.path}: ${messageOf(text)}`);
  }

  async close(): Promise<void> {
    await Promise.all([this.#callers.destroy(), this.#vouched.destroy()]);
  }
}

function identityHeaders(as: Credentials): Record<string, string | string[]> {
  const identity: Record<string, string | string[]> =
    as.kind === 'bearer'
      ? { authorization: as.authorization }
      : { 'x-remote-user': as.user, 'x-remote-group': [...as.groups, 'system:authenticated'] };
  return { ...identity, ...as.impersonation };
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.slice(0, 300);
  }
}
