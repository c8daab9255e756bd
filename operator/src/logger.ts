import type { Writable } from 'node:stream';
import winston, { type transport } from 'winston';
import type { Logger } from './kube/index.ts';
import type { LogLevel } from './options.ts';
import { oneLine } from './reconcile/text.ts';

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its transports as interfaces
const linesTo = (stream: Writable): transport => new winston.transports.Stream({ stream });

/** Texts of others (conditions, errors of the API server) come along in fields: they are made safe to print. */
const safe = winston.format((info) => {
  for (const [key, value] of Object.entries(info)) if (typeof value === 'string') info[key] = oneLine(value, 2048);
  return info;
});

/**
 * Creates the process's logger: one JSON object a line, with `timestamp`, `level`, `message` and the caller's fields. It is
 * never given tokens or the data of Secrets.
 * @param stream where lines go; standard error unless a test reads them
 */
export function createLogger(level: LogLevel, stream: Writable = process.stderr): Logger {
  const format = winston.format.combine(winston.format.timestamp(), safe(), winston.format.json());
  return winston.createLogger({ level, format, transports: [linesTo(stream)] });
}
