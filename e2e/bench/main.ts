// `npm run bench`: command line only; what is measured is in run.ts and scenarios/.
import { runBenchmark } from './command-line.ts';
import { readOptions, usage } from './options.ts';
import { consoleTable } from './report/console.ts';
import { bench, runDir } from './run.ts';
import { bundle } from './servers/ours.ts';

await runBenchmark({
  command: 'npm run bench',
  readOptions,
  usage,
  bundle,
  runDir,
  measure: bench,
  table: consoleTable,
});
