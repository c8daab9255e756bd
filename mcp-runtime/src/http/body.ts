import type { IncomingMessage } from 'node:http';

/** A request body that isn't read to its end: `status` and `message` answer it. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: 400 | 413 | 503;
  constructor(status: 400 | 413 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads request bodies within bounds that hold for all requests together, so that uploads can't fill the memory. */
export interface BodyReader {
  /** @throws {BodyError} when the body is too large, too many are being read, or the client goes away. */
  read(req: IncomingMessage): Promise<string>;
}

/** What small requests may use of the memory while the largest allowed body is being read. */
const SHARED_BYTES = 4 * 1024 * 1024;

/** @param maxBytes `http.max_body_bytes`: the largest single body, in bytes. */
export function createBodyReader(maxBytes: number): BodyReader {
  let available = maxBytes + SHARED_BYTES;
  return {
    async read(req) {
      const tooLarge = () => new BodyError(413, `the request body is larger than ${maxBytes} bytes`);
      if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        for await (const chunk of req as AsyncIterable<Buffer>) {
          size += chunk.length;
          available -= chunk.length;
          if (size > maxBytes) throw tooLarge();
          if (available < 0) throw new BodyError(503, 'too many large requests at once; try again');
          chunks.push(chunk);
        }
        return Buffer.concat(chunks).toString('utf8');
      } catch (error) {
        throw error instanceof BodyError ? error : new BodyError(400, 'the request body ended early');
      } finally {
        available += size;
      }
    },
  };
}
