// `npm run bench:operator`: command line only; what is measured is in run.ts and stages/.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { stopAll } from '../../lib/process.ts';
import { formatResults } from '../results.ts';
import { bundle } from './operator-process.ts';
import { readOptions, usage } from './options.ts';
import type { Options } from './options.ts';
import { consoleTable } from './report/console.ts';
import { benchOperator, runDir } from './run.ts';

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
  const command = ['npm run bench:operator --', ...process.argv.slice(2)].join(' ');
  const results = await benchOperator(options, command, async (measured) => {
    if (options.json !== undefined) await writeFile(options.json, formatResults(measured));
  });
  console.log(`\n${consoleTable(results)}`);
  if (results.quick) console.log('\nA smoke run (--quick): these figures mean nothing.');
} catch (error) {
  console.error(`\nbench failed: ${error instanceof Error ? error.message : String(error)}`);
  console.error(`Logs are in ${runDir}; ${options.json ?? 'nothing'} holds what was measured until then.`);
  process.exit(1);
}
