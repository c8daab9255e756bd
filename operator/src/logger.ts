import winston from 'winston';
import type { Logger } from './kube/index.ts';
import type { LogLevel } from './options.ts';
import { oneLine } from './reconcile/text.ts';

/**
 * JSON lines on stderr: `time`, `level`, `message` and what the caller adds. Texts of others are made safe to print; Secrets'
 * data and tokens are never passed to it.
 */
export function createLogger(level: LogLevel): Logger {
  const safe = winston.format((info) => {
    for (const [key, value] of Object.entries(info)) if (typeof value === 'string') info[key] = oneLine(value, 2048);
    return info;
  });
  return winston.createLogger({
    level,
    format: winston.format.combine(
      winston.format.timestamp({ alias: 'time' }),
      safe(),
      dropTimestamp(),
      winston.format.json(),
    ),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  });
}

const dropTimestamp = winston.format((info) => {
  delete info['timestamp'];
  return info;
});
