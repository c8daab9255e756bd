// `npm run bench:operator`: command line only; what is measured is in run.ts and stages/.
import { runBenchmark } from '../command-line.ts';
import { bundle } from './operator-process.ts';
import { readOptions, usage } from './options.ts';
import { consoleTable } from './report/console.ts';
import { benchOperator, runDir } from './run.ts';

await runBenchmark({
  command: 'npm run bench:operator',
  readOptions,
  usage,
  bundle,
  runDir,
  measure: benchOperator,
  table: consoleTable,
});
