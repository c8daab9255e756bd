import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTooComplex } from '../json-bounds.ts';

/** A request body that isn't read to its end: `status` and `message` answer it. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: BodyStatus;
  constructor(status: BodyStatus, message: string) {
    super(message);
    this.status = status;
  }
}

type BodyStatus = 400 | 413 | 415 | 503;

/** Reads request bodies within bounds that hold for all requests together, so that uploads can't fill the memory. */
export interface BodyReader {
  /**
   * Reads a body and parses it as JSON. The body counts against the bounds until `res` is done.
   * @returns undefined for what isn't JSON in UTF-8 (RFC 8259 §8.1): the MCP handler answers that in the protocol's words.
   * @throws {BodyError} when the body is compressed, too large or too complex, too many are being served, or the client goes away.
   */
  read(req: IncomingMessage, res: ServerResponse): Promise<unknown>;
}

/** What small requests may use of the memory while the largest allowed body is being served. */
const SHARED_BYTES = 4 * 1024 * 1024;
/**
 * Far beyond any tool's arguments; a manifest is text, one value. JSON.parse keeps a level's state on the heap and the schemas
 * of MCP on the stack.
 */
const BOUNDS = { maxValues: 100_000, maxDepth: 64 };

/** @param maxBytes `http.max_body_bytes`: the largest single body, in bytes. */
export function createBodyReader(maxBytes: number): BodyReader {
  let available = maxBytes + SHARED_BYTES;
  return {
    async read(req, res) {
      const tooLarge = () => new BodyError(413, `the request body is larger than ${maxBytes} bytes`);
      const { 'content-encoding': coding = 'identity' } = req.headers;
      if (coding.toLowerCase() !== 'identity')
        throw new BodyError(415, 'compressed request bodies are not taken; send it without Content-Encoding');
      if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
      const chunks: Buffer[] = [];
      let size = 0;
      res.once('close', () => {
        available += size;
      });
      try {
        for await (const chunk of req as AsyncIterable<Buffer>) {
          size += chunk.length;
          available -= chunk.length;
          if (size > maxBytes) throw tooLarge();
          if (available < 0) throw new BodyError(503, 'too many large requests at once; try again');
          chunks.push(chunk);
        }
      } catch (error) {
        throw error instanceof BodyError ? error : new BodyError(400, 'the request body ended early');
      }
      const bytes = Buffer.concat(chunks);
      return isUtf8(bytes) ? parseJson(bytes.toString('utf8')) : undefined;
    },
  };
}

function parseJson(text: string): unknown {
  if (isTooComplex(text, BOUNDS))
    throw new BodyError(400, 'the request body is nested too deeply or holds too many values');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
