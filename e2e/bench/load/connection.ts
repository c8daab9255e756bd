import { Client } from 'undici';
import type { Dispatcher } from 'undici';
import type { PlannedRequest } from './plan.ts';

/** An answer as far as a load generator looks at it. */
export interface Outcome {
  us: number;
  bytes: number;
  /** What is wrong with the answer, shortened; undefined for a success. */
  failure?: string;
}

/** One kept-alive connection: undici's lowest level, 30 µs a request where it was measured, 22 µs of them TLS and sockets. */
export interface Connection {
  send(request: PlannedRequest): Promise<Outcome>;
  close(): Promise<void>;
}

const failed = /"isError":\s*true|"error":\s*\{/;

export function openConnection(origin: string, ca: Buffer): Connection {
  const client = new Client(origin, {
    connect: { ca },
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 60_000,
  });
  return {
    send: ({ body = null, ...request }) =>
      new Promise((resolve, reject) => {
        const began = performance.now();
        const chunks: Buffer[] = [];
        let status = 0;
        const handler: Dispatcher.DispatchHandler = {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode) => {
            status = statusCode;
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk);
          },
          onResponseEnd: () => {
            const us = Math.round((performance.now() - began) * 1000);
            const answer = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
            const text = answer.toString('latin1');
            const failure = status === 200 && !failed.test(text) ? undefined : `${status} ${text.slice(0, 300)}`;
            resolve({ us, bytes: answer.length, ...(failure === undefined ? {} : { failure }) });
          },
          onResponseError: (_controller, error) => {
            reject(error);
          },
        };
        client.dispatch({ ...request, body }, handler);
      }),
    close: () => client.destroy(),
  };
}
