import type { Writable } from 'node:stream';
import winston, { type transport } from 'winston';

/** What the runtime logs through: one JSON object a line. Never given tokens, Secrets or arguments of calls. */
export interface Log {
  error(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  debug(message: string, fields?: object): void;
}

export interface Logger extends Log {
  /** Takes over a changed `log_level`. */
  setLevel(logLevel: number): void;
  /** Writes an audit line whatever the level: who did what is recorded even when nothing else is. */
  audit(fields: object): void;
}

/** A logger's level also rules the transport it was given first: each has one of its own. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its transports as interfaces
const linesTo = (stream: Writable): transport => new winston.transports.Stream({ stream });

/** Maps upstream's klog-like `log_level` to a winston level. */
const levelOf = (logLevel: number) => (logLevel === 0 ? 'warn' : logLevel < 4 ? 'info' : 'debug');

/**
 * Creates the process's logger.
 *
 * @param logLevel `log_level` of the configuration, 0–9.
 * @param stream where lines go; standard output unless a test reads them.
 */
export function createLogger(logLevel: number, stream: Writable = process.stdout): Logger {
  const format = winston.format.combine(winston.format.timestamp(), winston.format.json());
  const main = winston.createLogger({ level: levelOf(logLevel), format });
  main.add(linesTo(stream));
  const audit = winston.createLogger({ level: 'info', format });
  audit.add(linesTo(stream));
  const at =
    (level: string) =>
    (message: string, fields: object = {}) => {
      main.log(level, message, fields);
    };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    setLevel: (next) => {
      main.level = levelOf(next);
    },
    audit: (fields) => {
      audit.info('tool call', { log: 'audit', ...fields });
    },
  };
}

/** The text of anything thrown, with the cause that Node's network errors hide one level down. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
}
