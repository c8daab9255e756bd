import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from './config/load.ts';
import { createLogger, messageOf, type Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { startRuntime, type Runtime, type RuntimeOptions } from './runtime.ts';
import { VERSION } from './version.ts';

const HELP = `kcp-mcp-runtime ${VERSION}: an MCP server that gives every caller kcp with their own rights

Usage: kcp-mcp-runtime [--config FILE] [--config-dir DIR]

Flags:
  --config FILE      configuration, TOML (docs/configuration.md); read again when it changes and on SIGHUP
  --config-dir DIR   folder of *.toml files that are merged over it in the order of their names;
                     conf.d beside FILE when not given. Relative to the folder of FILE
  --help             print this and exit
  --version          print the version and exit

Environment:
  KCP_MCP_CONFIG        FILE, where --config isn't given
  KCP_MCP_CONFIG_DIR    DIR, where --config-dir isn't given
  NODE_EXTRA_CA_CERTS   PEM file of further CAs to trust towards the issuer (Node.js)

Exit status: 0 stopped as asked, 1 failed, 2 wrong flags or configuration
`;

/** Long enough for an endpoint that is no longer ready to be taken out of service. */
const LINGER_MS = 3_000;
/** Within the 30 s that Kubernetes gives a Pod to stop. */
const PATIENCE_MS = 20_000;

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;
  let log: Logger | undefined;
  try {
    const config = await loadConfig(options.configFile, options.configFolder);
    log = createLogger(config.log_level, config.log_file ?? 'stdout');
    reportFaults(log);
    const metrics = createMetrics(VERSION);
    const starting = startRuntime({ ...options, config, log, metrics, version: VERSION });
    handleSignals(starting, log);
    await starting;
  } catch (error) {
    if (error instanceof ConfigError) fail(2, error.message);
    else if (log === undefined) fail(1, messageOf(error));
    else {
      log.error("can't start", { error: messageOf(error) });
      process.exit(1);
    }
  }
}

function readOptions(): Pick<RuntimeOptions, 'configFile' | 'configFolder'> | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({ options: { config: text, 'config-dir': text, help: flag, version: flag } });
    const configFile = given(values.config ?? process.env['KCP_MCP_CONFIG']);
    const configFolder = given(values['config-dir'] ?? process.env['KCP_MCP_CONFIG_DIR']);
    if (values.help === true) process.stdout.write(HELP);
    else if (values.version === true) process.stdout.write(`kcp-mcp-runtime ${VERSION}\n`);
    else if (configFile === undefined && configFolder === undefined)
      fail(2, 'no configuration: give --config FILE or set KCP_MCP_CONFIG; see --help');
    else return { configFile, configFolder };
  } catch (error) {
    fail(2, `${messageOf(error)}\nSee --help.`);
  }
  return undefined;
}

/** An empty variable is one that isn't set. */
const given = (value: string | undefined) => (value === '' ? undefined : value);

function fail(code: 1 | 2, message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = code;
}

/** A signal that comes while it starts is for what has started then; if it doesn't, `main` says so. */
function handleSignals(starting: Promise<Runtime>, log: Logger): void {
  process.on('SIGHUP', () => {
    starting.then((runtime) => runtime.reload()).catch(() => undefined);
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals, lingerMs: number) => {
    // A second signal means now.
    if (stopping) process.exit(1);
    stopping = true;
    log.info('stopping', { signal });
    const stopped = starting.then((runtime) => runtime.stop({ lingerMs, patienceMs: PATIENCE_MS }));
    stopped.then(
      (finished) => {
        log.info('stopped', { calls_cut_off: !finished });
        process.exit(0);
      },
      (error: unknown) => {
        log.error("can't stop cleanly", { error: messageOf(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', (signal) => {
    stop(signal, LINGER_MS);
  });
  process.on('SIGINT', (signal) => {
    stop(signal, 0);
  });
}

/** What nobody caught becomes a log line; an exception may have left anything half done, so the process ends. */
function reportFaults(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: error.stack });
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection', { error: reason instanceof Error ? reason.stack : String(reason) });
  });
}

void main();
