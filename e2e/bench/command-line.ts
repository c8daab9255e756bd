/** What every benchmark does around its measuring: options, the remains of earlier runs, signals, results, exit code. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { stopAll } from '../lib/process.ts';
import { formatResults } from './results.ts';

export interface Benchmark<Options extends { json?: string }, Results extends { quick: boolean }> {
  /** As a person types it: `npm run bench`. */
  command: string;
  /** undefined: print the usage and leave. */
  readOptions: (argv: string[]) => Options | undefined;
  usage: string;
  /** The built program that is measured. */
  bundle: string;
  /** What it starts, and its logs. */
  runDir: string;
  measure: (options: Options, command: string, save: (results: Results) => Promise<void>) => Promise<Results>;
  table: (results: Results) => string;
}

/** Ends the process: 0, 1 when the measuring failed, 2 for options that can't be used. */
export async function runBenchmark<Options extends { json?: string }, Results extends { quick: boolean }>(
  benchmark: Benchmark<Options, Results>,
): Promise<void> {
  const { command, bundle, runDir, measure, table } = benchmark;
  const argv = process.argv.slice(2);
  const options = optionsOrExit(benchmark, argv);
  if (!existsSync(bundle)) {
    console.error(`${bundle} isn't there: npm run build makes it`);
    process.exit(1);
  }
  // Rests of a run that was cut short.
  await stopAll(runDir);
  await rm(runDir, { recursive: true, force: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void stopAll(runDir).finally(() => process.exit(130));
    });
  }
  try {
    const results = await measure(options, [`${command} --`, ...argv].join(' '), async (measured) => {
      if (options.json !== undefined) await writeFile(options.json, formatResults(measured));
    });
    console.log(`\n${table(results)}`);
    if (results.quick) console.log('\nA smoke run (--quick): these figures mean nothing.');
  } catch (error) {
    console.error(`\nbench failed: ${error instanceof Error ? error.message : String(error)}`);
    console.error(`Logs are in ${runDir}; ${options.json ?? 'nothing'} holds what was measured until then.`);
    process.exit(1);
  }
}

function optionsOrExit<Options extends { json?: string }, Results extends { quick: boolean }>(
  { readOptions, usage }: Benchmark<Options, Results>,
  argv: string[],
): Options {
  try {
    const options = readOptions(argv);
    if (options) return options;
    process.stdout.write(usage);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}
