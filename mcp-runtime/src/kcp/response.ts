import type { Dispatcher } from 'undici';
import { isTooComplex } from '../json-bounds.ts';
import { KcpBusyError, KcpProtocolError, KcpStatusError, KcpTooLargeError, serverName } from './errors.ts';
import type { RequestContext } from './errors.ts';
import type { ResponseHead } from './send.ts';

/** Bytes that may still be buffered by all answers being read at one time; taken and given back as they are read. */
export interface Budget {
  bytes: number;
}

/**
 * What 4 MiB of usual objects hold, `managedFields` included. Whoever may write to a workspace decides what its objects look like,
 * and a megabyte of `[]` would take the whole heap.
 */
const BOUNDS = { maxValues: 300_000, maxDepth: 256 };

/**
 * Reads an answer of kcp: JSON of at most `maxBytes`, read no further than that.
 *
 * @throws {KcpError} as {@link collect} and {@link parseAnswer} do.
 */
export async function readAnswer(
  response: Dispatcher.ResponseData,
  context: RequestContext,
  maxBytes: number,
  budget: Budget,
): Promise<unknown> {
  const body = collect(context, maxBytes, budget);
  try {
    // Leaving the loop destroys the stream, and with it the connection: the rest is never read.
    for await (const chunk of response.body as AsyncIterable<Buffer>) body.take(chunk);
    return parseAnswer(response, body.text(), context);
  } finally {
    body.free();
  }
}

/**
 * What an answer of kcp says: JSON within {@link BOUNDS}.
 *
 * @throws {KcpStatusError} for 4xx and 5xx, with the Status that came.
 * @throws {KcpTooLargeError} {KcpProtocolError}
 */
export function parseAnswer({ statusCode, headers }: ResponseHead, text: string, context: RequestContext): unknown {
  refuseRedirect(statusCode, context);
  if (isTooComplex(text, BOUNDS)) {
    throw new KcpTooLargeError(`${BOUNDS.maxValues} values or ${BOUNDS.maxDepth} levels`, context);
  }
  const parsed = parseJson(text);
  if (statusCode >= 400) {
    throw new KcpStatusError(statusCode, parsed, context, seconds(headers['retry-after']));
  }
  if (parsed === undefined) throw new KcpProtocolError(`${context.host} didn't answer with JSON`, context);
  return parsed;
}

function refuseRedirect(statusCode: number, context: RequestContext): void {
  if (statusCode < 300 || statusCode >= 400) return;
  throw new KcpProtocolError(
    `${serverName(context)} at ${context.host} answered with a redirect (${statusCode})`,
    context,
  );
}

/** The end of a text. */
export interface TextEnd {
  readonly text: string;
  /** Whether something came before it. */
  readonly cut: boolean;
}

/** Text that is read for its end, however much comes before it: a log asked for by lines may have long ones. */
const MAX_TEXT_READ = 32 * 1024 * 1024;

/**
 * Reads an answer that is text and keeps the last `keepBytes` of it: of a log the end matters.
 *
 * @throws {KcpStatusError} for 4xx and 5xx, with the Status that came.
 * @throws {KcpTooLargeError} {KcpProtocolError}
 */
export async function readTextEnd(
  response: Dispatcher.ResponseData,
  context: RequestContext,
  keepBytes: number,
  budget: Budget,
): Promise<TextEnd> {
  if (response.statusCode >= 400) {
    await readAnswer(response, context, keepBytes, budget);
  }
  if (response.statusCode >= 300) await response.body.dump();
  refuseRedirect(response.statusCode, context);
  const chunks: Buffer[] = [];
  let kept = 0;
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_TEXT_READ) throw new KcpTooLargeError(`${MAX_TEXT_READ / 1024 / 1024} MiB`, context);
    chunks.push(chunk);
    kept += chunk.byteLength;
    while (kept - (chunks[0]?.byteLength ?? 0) >= keepBytes) kept -= chunks.shift()?.byteLength ?? 0;
  }
  const end = Buffer.concat(chunks).subarray(-keepBytes);
  // A character that the cut goes through starts with continuation bytes.
  let start = 0;
  if (size > keepBytes) while (((end[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return { text: end.subarray(start).toString('utf8'), cut: size > keepBytes };
}

/** A body that is kept whole. */
export interface Collected {
  /**
   * @throws {KcpTooLargeError} for more than `maxBytes`.
   * @throws {KcpBusyError} when others hold what is left of the budget.
   */
  readonly take: (chunk: Buffer) => void;
  text(): string;
  /** Gives back what was taken of the budget. */
  free(): void;
}

/** Collects a body of at most `maxBytes`. */
export function collect(context: RequestContext, maxBytes: number, budget: Budget): Collected {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    take(chunk) {
      size += chunk.byteLength;
      budget.bytes -= chunk.byteLength;
      if (size > maxBytes) throw new KcpTooLargeError(`${Math.floor(maxBytes / 1024)} KiB`, context);
      if (budget.bytes < 0) throw new KcpBusyError('too many large answers are being read at once', context);
      chunks.push(chunk);
    },
    text: () => Buffer.concat(chunks, size).toString('utf8'),
    free() {
      budget.bytes += size;
      size = 0;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function seconds(header: string | string[] | undefined): number | undefined {
  const value = Number(Array.isArray(header) ? header[0] : header);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
