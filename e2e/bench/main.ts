// `npm run bench`: command line only; what is measured is in run.ts and scenarios/.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { stopAll } from '../lib/process.ts';
import { readOptions, usage } from './options.ts';
import type { Options } from './options.ts';
import { consoleTable } from './report/console.ts';
import { formatResults } from './results.ts';
import type { Results } from './results.ts';
import { bench, runDir } from './run.ts';
import { bundle } from './servers/ours.ts';

function optionsOrExit(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options) return options;
    process.stdout.write(usage);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

const options = optionsOrExit();
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
  const save = async (measured: Results): Promise<void> => {
    if (options.json !== undefined) await writeFile(options.json, formatResults(measured));
  };
  const results = await bench(options, ['npm run bench --', ...process.argv.slice(2)].join(' '), save);
  console.log(`\n${consoleTable(results)}`);
  if (results.quick) console.log('\nA smoke run (--quick): these figures mean nothing.');
} catch (error) {
  console.error(`\nbench failed: ${error instanceof Error ? error.message : String(error)}`);
  console.error(`Logs are in ${runDir}; ${options.json ?? 'nothing'} holds what was measured until then.`);
  process.exit(1);
}
