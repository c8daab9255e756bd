import { destination, pino, type DestinationStream } from 'pino';
import type { Logger } from './kube/index.ts';
import type { LogLevel } from './options.ts';
import { oneLine } from './reconcile/text.ts';

/** Texts of others (conditions, errors of the API server) come along in fields: they are made safe to print. */
function safe(fields: Record<string, unknown>): Record<string, unknown> {
  const safeField = ([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? oneLine(value, 2048) : value,
  ];
  return Object.fromEntries(Object.entries(fields).map(safeField)) as Record<string, unknown>;
}

/** Writes at once, and ends the process where nobody reads: pino would go on in silence. */
function standardError(): DestinationStream {
  return destination({ dest: 2, sync: true }).on('error', () => process.exit(1));
}

/**
 * Creates the process's logger: one JSON object a line, with `timestamp`, `level`, `message` and the caller's fields. It is
 * never given tokens or the data of Secrets.
 * @param to where lines go; standard error unless a test reads them
 */
export function createLogger(level: LogLevel, to: DestinationStream = standardError()): Logger {
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (name) => ({ level: name }), log: safe },
    },
    to,
  );
  const at =
    (name: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      log[name](fields, oneLine(message, 2048));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
