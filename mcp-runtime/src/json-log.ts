import { destination, pino, type DestinationStream, type Logger } from 'pino';

// The form of both programs' log lines.

/** A standard stream, or, in tests, whatever reads the lines. */
export type LogTarget = 'stdout' | 'stderr' | DestinationStream;

const DESCRIPTORS = { stdout: 1, stderr: 2 };

/** Writes at once, so that no line is lost with the process, and ends with it where nobody reads: pino would go on in silence. */
function standard(descriptor: number): DestinationStream {
  return destination({ dest: descriptor, sync: true }).on('error', () => process.exit(1));
}

/**
 * Opens a log of one JSON object a line: `level`, `timestamp` (RFC 3339), the fields, `message`.
 *
 * @param level the least that is written: `debug`, `info`, `warn` or `error`.
 * @param clean what becomes of the fields before they are written.
 */
export function openJsonLog(
  level: string,
  to: LogTarget,
  clean: (fields: Record<string, unknown>) => Record<string, unknown> = (fields) => fields,
): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (name) => ({ level: name }), log: clean },
    },
    typeof to === 'string' ? standard(DESCRIPTORS[to]) : to,
  );
}
