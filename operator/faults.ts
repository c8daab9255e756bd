// Writes the table of faults in docs/operator.md. Figures come from the newest run of the tests on this machine
// (.testing/faults, by `make test-api test-long`) and are kept in docs/faults.json; what wasn't run keeps its earlier figure.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { thisCommit, thisMachine } from '../e2e/bench/measure/machine.ts';
import { FIGURES, type Figure } from './src/faults/testing/figures.ts';

/** What is done to it, what is counted meanwhile, and the test that does it: a file of operator/src/faults. */
type Row = [id: string, fault: string, counted: string, test: string];

const ROWS: readonly Row[] = [
  ['killed', 'API server killed for some seconds', 'tries', 'outage.api'],
  ['killed-12', 'API server away for 12 s, then a new resource', 'tries', 'outage.long'],
  ['killed-120', 'API server away for 2 minutes, then a new resource', 'tries', 'outage.long'],
  ['silent', 'No packet gets through for 5 minutes', 'connections', 'silence-all.long'],
  [
    'silent-watches',
    'Open connections say nothing any more (counted from their silence)',
    'connections',
    'silence-watches.long',
  ],
  ['gone', 'All watches answered 410 after etcd was compacted', 'requests', 'history.api'],
  ['throttled', '429 with `Retry-After: 1` (API Priority and Fairness)', 'tries', 'outage.api'],
  ['unavailable', '503 with `Retry-After: 1`', 'tries', 'outage.api'],
  ['broken', '500 to every write and watch for 4 s', 'tries', 'outage.api'],
  ['leader', 'Leader killed (counted from the kill)', '', 'leaders.long'],
  [
    'cut-points',
    'Operator killed between any two writes (longest, start of the next included)',
    'kills',
    'cut-points.long',
  ],
  ['quota', 'Quota used up, then raised', 'tries', 'by-hand.api'],
  ['namespace', 'Namespace terminated, and made again', 'writes', 'by-hand.api'],
  ['crd', 'Our CRD removed, and applied again', 'requests', 'crd.api'],
];

interface Kept {
  machine: string;
  figures: Record<string, Pick<Figure, 'seconds' | 'requests'>>;
}

const root = join(import.meta.dirname, '..');
const KEPT = join(root, 'docs/faults.json');
const DOCS = join(root, 'docs/operator.md');
const [BEGIN, END] = ['<!-- measured: faults -->', '<!-- end: faults -->'];

const kept = JSON.parse(existsSync(KEPT) ? readFileSync(KEPT, 'utf8') : '{"figures":{}}') as Kept;
for (const file of existsSync(FIGURES) ? readdirSync(FIGURES) : []) {
  const { id, ...figure } = JSON.parse(readFileSync(join(FIGURES, file), 'utf8')) as Figure;
  if (ROWS.some(([row]) => row === id)) kept.figures[id] = figure;
}
// What else the machine was doing counts: the tests themselves bring it to 3 or so.
const load = Math.round(loadavg()[2] ?? 0);
const { cpu, cores, memoryGiB, node } = thisMachine();
kept.machine = `${cpu}, ${cores} cores, ${memoryGiB} GiB, load average ${load}, Node ${node}, commit ${thisCommit()}`;
kept.figures = Object.fromEntries(Object.entries(kept.figures).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 2)}\n`);

const lines = ROWS.flatMap(([id, fault, counted, test]) => {
  const figure = kept.figures[id];
  if (!figure) return [];
  const meanwhile = figure.requests === undefined ? '' : `${figure.requests} ${counted}`;
  return `| ${fault} | ${figure.seconds} | ${meanwhile} | \`${test}\` |`;
});
const table = ['| Fault | Seconds until all is as wanted | Meanwhile | Test |', '| --- | --- | --- | --- |', ...lines];
const text = readFileSync(DOCS, 'utf8');
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
if (from < 0 || to < from) throw new Error(`${DOCS}: no block "faults"`);
const block = `<!-- prettier-ignore-start -->\n\n${table.join('\n')}\n\nMeasured on ${kept.machine}.\n\n<!-- prettier-ignore-end -->`;
writeFileSync(DOCS, `${text.slice(0, from + BEGIN.length)}\n\n${block}\n\n${text.slice(to)}`);
