import { Writable } from 'node:stream';
import { createLogger, type Logger } from '../log.ts';

/** A logger whose lines a test can read. */
export function captureLog(level = 9): { log: Logger; lines: Record<string, unknown>[]; text(): string } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLogger(level, stream), lines, text: () => JSON.stringify(lines) };
}
