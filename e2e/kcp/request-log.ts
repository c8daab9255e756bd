import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';

/** One request as kcp saw it. Never a token, nor a body. */
export interface LogEntry {
  /** RFC 3339, when the answer was complete (or given up). */
  time: string;
  method: string;
  /** Without query. */
  path: string;
  query?: string;
  /** Path or id in the request, where it names one. */
  workspace?: string;
  /** The shard whose own address it went to. */
  shard?: string;
  /** The name that the credentials stand for, where they stood for one. */
  user?: string;
  /** What the bearer token says of its audience, whether it was accepted or not. */
  audience?: string | string[];
  /** HTTP status; 0 when the caller went away before there was one. */
  status: number;
  /** The caller went away before the answer was complete. */
  aborted?: true;
  durationMs: number;
  userAgent?: string;
}

/** Appends requests to a file as JSON lines. */
export class RequestLog {
  readonly #stream: WriteStream;

  constructor(file: string) {
    this.#stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  }

  write(entry: LogEntry): void {
    this.#stream.write(`${JSON.stringify(entry)}\n`);
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.#stream.end(done);
    });
  }
}
