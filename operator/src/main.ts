#!/usr/bin/env node
/** Wiring: options, logger, client, operator, health server, signals. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { startHealthServer } from './health.ts';
import { createHeap } from './heap.ts';
import { createKubeClient } from './kube/index.ts';
import { createLogger } from './logger.ts';
import { createIssuerCheck } from './outbound/issuer.ts';
import { createKcpProbe } from './outbound/kcp.ts';
import { createOperator } from './operator.ts';
import { OptionsError, parseOptions, type Options } from './options.ts';

const { version } = packageJson;

function readCommand(): Options {
  try {
    const command = parseOptions(process.argv.slice(2), process.env, version);
    if ('run' in command) return command.run;
    process.stdout.write(`${command.print}\n`);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`kcp-mcp-operator: ${error.message}\n`);
    process.exit(2);
  }
}

async function run(options: Options): Promise<void> {
  const logger = createLogger(options.logLevel);
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const client = await createKubeClient({
    kubeconfig: options.kubeconfig,
    context: options.context,
    userAgent: `kcp-mcp-operator/${version}`,
    holder: identity,
    logger,
  });
  const allowed = { allowLocal: options.allowLocalAddresses };
  const outbound = { checkIssuer: createIssuerCheck(allowed), probeKcp: createKcpProbe(allowed) };
  const operator = createOperator({ ...options, client, identity, logger, heap: createHeap(), ...outbound });
  const { metrics } = operator;
  const health = await startHealthServer(options.metricsBindAddress, {
    notReady: () => operator.notReady(),
    dead: () => undefined,
    metrics,
  });
  operator.start();
  logger.info('started', { version, identity, port: health.port, runtimeImage: options.runtimeImage });

  const { promise: signalled, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  const signal = await signalled;
  logger.info('stopping', { signal });
  await operator.stop();
  await health.close();
  await client.close();
  logger.info('stopped');
}

async function main(): Promise<void> {
  try {
    await run(readCommand());
  } catch (error) {
    process.stderr.write(`kcp-mcp-operator: can't start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

void main();
