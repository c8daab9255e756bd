/** The lines of a stream of UTF-8, which may cut them, and characters, anywhere. What follows the last line end is no line. */
export class LineReader {
  /** Copies: a chunk is part of a large buffer, which would stay with it. */
  #rest: Buffer[] = [];

  /** The lines that end in `chunk`, without the empty ones. */
  take(chunk: Buffer): string[] {
    const end = chunk.lastIndexOf('\n');
    const rest = chunk.subarray(end + 1);
    const whole = end < 0 ? [] : this.#end(chunk.subarray(0, end)).split('\n');
    if (rest.length > 0) this.#rest.push(Buffer.from(rest));
    return whole.filter((line) => line !== '');
  }

  #end(last: Buffer): string {
    const parts = [...this.#rest, last];
    this.#rest = [];
    return Buffer.concat(parts).toString('utf8');
  }
}
