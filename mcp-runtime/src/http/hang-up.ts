import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendRpcError } from './respond.ts';

/** Refuses requests after which a connection can't be used again: their end isn't known, or wasn't waited for. */
export interface HangUps {
  /** Answers, and takes no further request from the connection. */
  refuse(
    res: ServerResponse,
    refusal: { readonly status: number; readonly message: string },
    headers?: Record<string, string | number>,
  ): void;
  /** Whether the request came after such a refusal: Node hands on what stood in the same packet. */
  isTooLate(req: IncomingMessage): boolean;
}

export function createHangUps(): HangUps {
  const ended = new WeakSet<Socket>();
  return {
    refuse(res, { status, message }, headers = {}) {
      // Not the request's socket: one whose body was left has none any more.
      if (res.socket !== null) ended.add(res.socket);
      sendRpcError(res, status, message, { ...headers, Connection: 'close' });
    },
    isTooLate: (req) => ended.has(req.socket),
  };
}
