import { Writable } from 'node:stream';
import { createLogger, type Logger } from '../log.ts';

/** A logger whose lines a test can read: each has to be one line, and of visible characters. */
export function captureLog(level = 9): { log: Logger; lines: Record<string, unknown>[]; text(): string } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      const text = chunk.toString();
      const odd = /[^\n][\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|^\n/u.exec(text.slice(0, -1));
      if (odd !== null || !text.endsWith('\n')) throw new Error(`no log line: ${JSON.stringify(text.slice(0, 500))}`);
      lines.push(JSON.parse(text) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLogger(level, stream), lines, text: () => JSON.stringify(lines) };
}
