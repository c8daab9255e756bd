// `npm run bench:report`: docs/benchmarks.md and its plots out of results of `npm run bench -- --json FILE`.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../lib/cache.ts';
import { operatorPlots } from './operator/report/plots.ts';
import { readOperatorResults } from './operator/results.ts';
import { page } from './report/markdown.ts';
import { measurements } from './report/measurements.ts';
import { plots } from './report/plots.ts';
import { readResults } from './results.ts';

const usage = `Usage: npm run bench:report -- FILE...

Writes docs/benchmarks.md and docs/benchmarks/*.svg of results that npm run bench -- --json FILE and npm run bench:operator -- --json
FILE left. With several FILEs
each part is taken from the newest that has it, and says so where that isn't the newest of all.
`;

const docs = join(repoRoot, 'docs');
const plotDir = join(docs, 'benchmarks');
const files = process.argv.slice(2);
if (files.length === 0 || files.includes('--help')) {
  (files.length === 0 ? process.stderr : process.stdout).write(usage);
  process.exit(files.length === 0 ? 2 : 0);
}
const ofOperator = await Promise.all(files.map(readOperatorResults));
const all = measurements(await Promise.all(files.filter((_, index) => !ofOperator[index]).map(readResults)));
const [operator] = ofOperator.flatMap((results) => results ?? []).sort((a, b) => (a.date < b.date ? 1 : -1));
const drawn = new Map([...plots(all), ...(operator ? operatorPlots(operator) : [])]);
await mkdir(plotDir, { recursive: true });
for (const old of await readdir(plotDir)) if (old.endsWith('.svg')) await rm(join(plotDir, old));
for (const [name, svg] of drawn) await writeFile(join(plotDir, name), svg);
await writeFile(join(docs, 'benchmarks.md'), page(all, operator));
console.log(`wrote docs/benchmarks.md and ${drawn.size} plots`);
