/** One HTTP/1.1 request and its answer, told by callbacks: a body as a stream would cost more than all else of a small call. */
import type { Dispatcher } from 'undici';

export interface HttpRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: Record<string, string>;
  signal: AbortSignal;
  /** Asked at the last moment, when a connection is free: with an error it fails with that, and isn't sent. */
  refusal?: (() => Error | undefined) | undefined;
}

export interface HttpResponse {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  /**
   * Hands over the body as it comes. Resolves when the server ends it; rejects on every other end, and with what `onChunk`
   * throws. To be called, and once.
   */
  read: (onChunk: (chunk: Buffer) => void) => Promise<void>;
}

/** The whole body. */
export async function textOf({ read }: Pick<HttpResponse, 'read'>): Promise<string> {
  const chunks: Buffer[] = [];
  await read((chunk) => chunks.push(chunk));
  const [only] = chunks;
  return (only && chunks.length === 1 ? only : Buffer.concat(chunks)).toString();
}

/**
 * Sends a request to `origin`. What is aborted before a connection is free is never sent, and takes the connection with it when its
 * turn would have come.
 *
 * Rejects, as does reading the body, with the reason of `signal`, with what `refusal` says, or with undici's errors.
 */
export function exchange(
  dispatcher: Dispatcher,
  origin: string,
  { signal, refusal, ...request }: HttpRequest & { body?: string | undefined },
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const handler = new Exchange(signal, refusal, resolve, reject);
    dispatcher.dispatch({ ...request, origin, body: request.body ?? null }, handler);
  });
}

type Over = { error?: Error };

class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #refusal: (() => Error | undefined) | undefined;
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #abort = (): void => {
    this.#fail(this.#signal.reason as Error);
  };
  #controller: Dispatcher.DispatchController | undefined;
  /** What came before somebody read it. */
  #early: Buffer[] = [];
  #onChunk: ((chunk: Buffer) => void) | undefined;
  #over: Over | undefined;
  #onOver: ((over: Over) => void) | undefined;

  constructor(
    signal: AbortSignal,
    refusal: (() => Error | undefined) | undefined,
    resolve: (response: HttpResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#signal = signal;
    this.#refusal = refusal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#abort);
  }

  /**
   * A call may wait for a connection, and the process may be stopped meanwhile: on its return answers are read before timers
   * fire, and what waited would go out before any signal could abort it.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    const error = this.#over?.error ?? this.#refusal?.();
    if (error) controller.abort(error);
  }

  onResponseStart(_: unknown, statusCode: number, headers: HttpResponse['headers']): void {
    // What goes before the answer (RFC 9110 §15.2) is none.
    if (statusCode < 200) return;
    this.#resolve({ statusCode, headers, read: (onChunk) => this.#read(onChunk) });
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (!this.#onChunk) this.#early.push(chunk);
    else this.#take(this.#onChunk, chunk);
  }

  onResponseEnd(): void {
    this.#end({});
    // What was promoted keeps whatever it refers to until the next major collection, and each header is a part of the answer's buffer.
    if (this.#controller) this.#controller.rawHeaders = null;
    this.#controller = undefined;
  }

  onResponseError(_: unknown, error: Error): void {
    this.#end({ error });
  }

  #read(onChunk: (chunk: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onOver = ({ error }) => {
        if (error) reject(error);
        else resolve();
      };
      this.#onChunk = onChunk;
      for (const chunk of this.#early) this.#take(onChunk, chunk);
      this.#early = [];
      if (this.#over) this.#onOver(this.#over);
    });
  }

  #take(onChunk: (chunk: Buffer) => void, chunk: Buffer): void {
    // Something that couldn't be taken: what comes after it must not be taken for the next.
    if (this.#over?.error) return;
    try {
      onChunk(chunk);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    this.#end({ error });
    this.#controller?.abort(error);
  }

  #end(over: Over): void {
    if (this.#over?.error) return;
    this.#over = over;
    this.#signal.removeEventListener('abort', this.#abort);
    // Without effect once there is an answer.
    if (over.error) this.#reject(over.error);
    this.#onOver?.(over);
  }
}
