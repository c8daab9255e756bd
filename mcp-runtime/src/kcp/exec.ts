import { WebSocket, type RawData } from 'ws';
import { CancelledError, KcpProtocolError, KcpStatusError, KcpUnreachableError, errorCode } from './errors.ts';
import type { RequestContext } from './errors.ts';
import { arrayAt, numberAt, stringAt } from './json.ts';
import type { KcpEndpoint } from './kubeconfig.ts';
import type { Identity } from './kubeconfig-user.ts';
import { authorizationOf, requestPath } from './request.ts';
import type { KcpRequest } from './request.ts';

/** What a command wrote, and how it ended. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** Whether one of the two was longer than what is kept of it. */
  readonly cut: boolean;
  /** Set where it was left, and may still be running: it took longer than it was given, or wrote more than is read. */
  readonly stopped: 'late' | 'long' | undefined;
  /** 0 when it succeeded; undefined when it didn't end by itself or the API server doesn't say. */
  readonly exitCode: number | undefined;
  /** What the API server says about a command that failed. */
  readonly failure: string | undefined;
}

/** What is run, and how much of it is taken. */
export interface CommandRequest extends KcpRequest {
  /** Of each stream that many bytes are kept, from its beginning. */
  readonly keepBytes: number;
  /** After this time the connection is closed, and what was written until then is returned. Milliseconds. */
  readonly stopAfterMs?: number;
}

/** The channels of the protocol, by the first byte of each message. */
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_REFUSAL_BYTES = 64 * 1024;
/** Of all streams: beyond, a command that never stops writing would keep everybody waiting. */
export const MAX_READ_BYTES = 32 * 1024 * 1024;

/**
 * Runs a command in a container over WebSocket, as kubectl does; nothing is sent to its standard input.
 *
 * @param request path and query of the `exec` subresource.
 * @throws {KcpStatusError} when the API server refuses, {KcpUnreachableError}, {KcpProtocolError}, {CancelledError}
 * @see https://kep.k8s.io/4006 (v5.channel.k8s.io)
 */
export function runCommand(
  { endpoint, identity }: { readonly endpoint: KcpEndpoint; readonly identity: Identity | undefined },
  request: CommandRequest,
  { signal, context }: { readonly signal: AbortSignal; readonly context: RequestContext },
): Promise<CommandOutput> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutput>();
  const socket = new WebSocket(
    new URL(requestPath(request, endpoint.basePath), endpoint.origin),
    ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
    {
      headers: { ...authorizationOf(request.token, identity), 'user-agent': 'kcp-mcp-runtime' },
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      followRedirects: false,
      perMessageDeflate: false,
      ...identity?.certificate,
      ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
      ...(endpoint.serverName !== undefined && { servername: endpoint.serverName }),
    },
  );
  const stdout = collector(request.keepBytes);
  const stderr = collector(request.keepBytes);
  let status: unknown;
  let stopped: CommandOutput['stopped'];
  const { stopAfterMs } = request;
  const stop = (why: CommandOutput['stopped']) => {
    stopped ??= why;
    socket.terminate();
  };
  const timer = stopAfterMs === undefined ? undefined : setTimeout(stop, stopAfterMs, 'late');
  const cancel = () => {
    reject(new CancelledError('the call was cancelled', context));
    socket.terminate();
  };
  signal.addEventListener('abort', cancel, { once: true });
  let read = 0;
  socket.on('message', (data: RawData) => {
    const bytes = bytesOf(data);
    read += bytes.byteLength;
    if (read > MAX_READ_BYTES) stop('long');
    const content = bytes.subarray(1);
    if (bytes[0] === STDOUT) stdout.add(content);
    else if (bytes[0] === STDERR) stderr.add(content);
    else if (bytes[0] === ERROR) status = parseJson(content.toString('utf8'));
  });
  socket.on('unexpected-response', (_, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size <= MAX_REFUSAL_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.once('close', () => {
      const { statusCode = 0 } = response;
      const body = parseJson(Buffer.concat(chunks).toString('utf8'));
      if (statusCode >= 400) reject(new KcpStatusError(statusCode, body, context));
      else reject(new KcpProtocolError(`${context.host} answered ${statusCode} instead of opening a stream`, context));
      socket.terminate();
    });
  });
  socket.once('error', (error) => {
    reject(new KcpUnreachableError(errorCode(error), context));
  });
  socket.once('close', () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    const cut = stdout.cut() || stderr.cut();
    resolve({ stdout: stdout.text(), stderr: stderr.text(), cut, stopped, ...endOf(status) });
  });
  return promise;
}

/** How the command ended, from the Status that comes last (remotecommand: `NonZeroExitCode` with the code as a cause). */
function endOf(status: unknown): Pick<CommandOutput, 'exitCode' | 'failure'> {
  if (stringAt(status, 'status') === 'Success') return { exitCode: 0, failure: undefined };
  const code = arrayAt(status, 'details', 'causes').find((cause) => stringAt(cause, 'reason') === 'ExitCode');
  const exitCode = Number(stringAt(code, 'message') ?? numberAt(code, 'message') ?? NaN);
  return {
    exitCode: Number.isInteger(exitCode) ? exitCode : undefined,
    failure: stringAt(status, 'message') ?? 'the connection ended before the command did',
  };
}

/** Keeps the beginning of a stream. */
function collector(keepBytes: number) {
  const chunks: Buffer[] = [];
  let left = keepBytes;
  let cut = false;
  return {
    add(chunk: Buffer) {
      if (chunk.byteLength > left) cut = true;
      if (left > 0) chunks.push(chunk.subarray(0, left));
      left = Math.max(0, left - chunk.byteLength);
    },
    // The decoder drops a character that the cut goes through.
    text: () => new TextDecoder('utf-8').decode(Buffer.concat(chunks), { stream: cut }),
    cut: () => cut,
  };
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
