import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
  McpServer,
  MessageExtraInfo,
  RequestId,
  Transport,
  TransportSendOptions,
} from '@modelcontextprotocol/server';

/** What a request comes with. */
export interface RequestContext {
  readonly authInfo: MessageExtraInfo['authInfo'];
  /** Fires when the caller is gone: the request is cancelled. */
  readonly signal: AbortSignal;
  /** Takes what is sent before the answer: progress. */
  readonly notify: (message: JSONRPCMessage) => void;
}

/** A server for the requests of all callers. Only for handlers that keep nothing between requests. */
export interface SharedServer {
  /**
   * @returns the answer, an error response included.
   * @throws the signal's reason once that fires.
   */
  request(request: JSONRPCRequest, context: RequestContext): Promise<JSONRPCResponse>;
  close(): Promise<void>;
}

interface Pending {
  readonly id: RequestId;
  readonly settle: (answer: JSONRPCResponse) => void;
  readonly notify: RequestContext['notify'];
}

/**
 * Connects the server. Each request gets an id of its own on the way, for callers choose theirs without knowing of each other.
 *
 * What a server for each request costs, with a transport and a pair of web-standard request and answer, is half of a call.
 */
export async function createSharedServer(server: McpServer): Promise<SharedServer> {
  const transport = new SharedTransport();
  await server.connect(transport);
  return transport;
}

class SharedTransport implements Transport, SharedServer {
  onmessage?: Transport['onmessage'];
  onclose?: () => void;
  readonly #pending = new Map<RequestId, Pending>();
  #last = 0;

  start(): Promise<void> {
    return Promise.resolve();
  }

  request(request: JSONRPCRequest, { authInfo, signal, notify }: RequestContext): Promise<JSONRPCResponse> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<JSONRPCResponse>();
    const id = ++this.#last;
    const cancel = () => {
      const params = { requestId: id };
      const cancelled: JSONRPCNotification = { jsonrpc: '2.0', method: 'notifications/cancelled', params };
      this.onmessage?.(cancelled);
      this.#pending.delete(id);
      reject(signal.reason as Error);
    };
    const settle = (answer: JSONRPCResponse) => {
      signal.removeEventListener('abort', cancel);
      this.#pending.delete(id);
      resolve(answer);
    };
    signal.addEventListener('abort', cancel, { once: true });
    this.#pending.set(id, { id: request.id, settle, notify });
    this.onmessage?.({ ...request, id }, authInfo === undefined ? {} : { authInfo });
    return promise;
  }

  send(message: JSONRPCMessage, { relatedRequestId }: TransportSendOptions = {}): Promise<void> {
    if ('method' in message) {
      if (relatedRequestId !== undefined) this.#pending.get(relatedRequestId)?.notify(message);
    } else if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      pending?.settle({ ...message, id: pending.id });
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.onclose?.();
    return Promise.resolve();
  }
}
