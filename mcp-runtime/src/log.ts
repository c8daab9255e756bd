import { openJsonLog, type LogTarget } from './json-log.ts';

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

/** Maps upstream's klog-like `log_level` to one of `json-log.ts`. */
const levelOf = (logLevel: number) => (logLevel === 0 ? 'warn' : logLevel < 4 ? 'info' : 'debug');

/**
 * Creates the process's logger.
 *
 * @param logLevel `log_level` of the configuration, 0–9.
 * @param to where lines go: a standard stream unless a test reads them.
 */
export function createLogger(logLevel: number, to: LogTarget): Logger {
  const main = openJsonLog(levelOf(logLevel), to);
  const audit = main.child({ log: 'audit' }, { level: 'info' });
  const at =
    (level: 'error' | 'warn' | 'info' | 'debug') =>
    (message: string, fields: object = {}) => {
      main[level](fields, message);
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
      audit.info(fields, 'tool call');
    },
  };
}

/** The text of anything thrown, with the cause that Node's network errors hide one level down. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
}
