import { openJsonLog, type LogTarget } from '@kcp-mcp-operator/mcp-runtime/json-log.js';
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

/**
 * Creates the process's logger: one JSON object a line, with `timestamp`, `level`, `message` and the caller's fields. It is
 * never given tokens or the data of Secrets.
 * @param to where lines go; standard error unless a test reads them
 */
export function createLogger(level: LogLevel, to: LogTarget = 'stderr'): Logger {
  const log = openJsonLog(level, to, safe);
  const at =
    (name: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      log[name](fields, oneLine(message, 2048));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
