// `npm run bench:report`: docs/benchmarks.md and its plots out of results of `npm run bench -- --json FILE`.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../lib/cache.ts';
import { page } from './report/markdown.ts';
import { measurements } from './report/measurements.ts';
import { plots } from './report/plots.ts';
import { readResults } from './results.ts';

const usage = `Usage: npm run bench:report -- FILE...

Writes docs/benchmarks.md and docs/benchmarks/*.svg of results that npm run bench -- --json FILE left. With several FILEs
each part is taken from the newest that has it, and says so where that isn't the newest of all.
`;

const docs = join(repoRoot, 'docs');
const plotDir = join(docs, 'benchmarks');
const files = process.argv.slice(2);
if (files.length === 0 || files.includes('--help')) {
  (files.length === 0 ? process.stderr : process.stdout).write(usage);
  process.exit(files.length === 0 ? 2 : 0);
}
const all = measurements(await Promise.all(files.map(readResults)));
await mkdir(plotDir, { recursive: true });
for (const old of await readdir(plotDir)) if (old.endsWith('.svg')) await rm(join(plotDir, old));
for (const [name, svg] of plots(all)) await writeFile(join(plotDir, name), svg);
await writeFile(join(docs, 'benchmarks.md'), page(all));
console.log(`wrote docs/benchmarks.md and ${plots(all).size} plots`);
