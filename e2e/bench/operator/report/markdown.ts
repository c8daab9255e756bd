import { markdownTable, ms, number, short } from '../../report/format.ts';
import { median, percentile } from '../../report/statistics.ts';
import { total } from '../results.ts';
import type { Count, Creation, OperatorResults, Rest } from '../results.ts';
import { contestRatio, operatorGoals } from './goals.ts';
import { operatorMethod } from './method.ts';

/** The operator's part of docs/benchmarks.md, the same for the same results. */
export function operatorSection(results: OperatorResults): string[] {
  return [
    '## The operator',
    `One replica with leader election, on a real kube-apiserver and etcd without a node, beside what operators of the same trade were measured to do on the same kind of machine.\n\n${provenance(results)}`,
    goalTable(results),
    ...loadNote(results),
    ...creationSection(results),
    ...restSection(results),
    ...driftSection(results),
    ...rotationSection(results),
    ...memorySection(results),
    operatorMethod,
  ];
}

function provenance({ date, commit, machine, command, versions }: OperatorResults): string {
  const { cpu, cores, memoryGiB, kernel, node } = machine;
  return (
    `Measured on ${date.slice(0, 10)} at commit \`${commit}\` with \`${command}\`: kcp-mcp-operator ${versions.operator}, Kubernetes ` +
    `${versions.kubernetes}, ${cores} cores of ${cpu}, shared by all parts (etcd, kube-apiserver, operator, benchmark), ` +
    `${memoryGiB} GiB, ${kernel}, Node.js ${node}.`
  );
}

/** What else the machine did decides what times are worth. */
function loadNote({ load, machine }: OperatorResults): string[] {
  const busy = load.filter(({ average }) => average > machine.cores + 0.5);
  if (busy.length === 0) return [];
  const list = load.map(({ stage, average }) => `${stage} ${average.toFixed(1)}`).join(', ');
  return [
    `**The machine was busy with other work**: processes that wanted a core, on ${machine.cores} cores, a minute's average before each stage: ` +
      `${list}. Times are those of a machine that has as much less to give. Ratios are to what ran under the same load, and counts of requests don't depend on it.`,
  ];
}

function goalTable(results: OperatorResults): string {
  const rows = operatorGoals(results).map(({ what, goal, measured, met, peers }) => [
    what,
    goal,
    measured,
    met === undefined ? '–' : met ? 'met' : '**missed**',
    peers,
  ]);
  return (
    `${markdownTable(['', 'goal', 'measured', '', 'kmcp, toolhive'], rows)}\n\n` +
    'kmcp and toolhive are their newest main of mid-2026, with admin rights and no leader election, measured by hand with the same means; they have 4 and 7 children.'
  );
}

function creationSection(results: OperatorResults): string[] {
  const { created, contest, becomingReady } = results;
  const creations = [...(created ? [created] : []), ...contest.map(({ operator }) => operator)];
  if (creations.length === 0) return [];
  const rows = creations.map((creation) => {
    const { resources, createMs, totalMs, waitsMs } = creation;
    const waits = [0.5, 0.99, 1].map((share) => ms(percentile(waitsMs, share)));
    return [
      `${number(resources)} at once`,
      ms(createMs),
      ms(totalMs),
      ...waits,
      perResource(creation.writes, resources),
    ];
  });
  const head = ['', 'created in', 'all served in', 'one waits, p50', 'p99', 'longest', 'writes for one'];
  const last = creations.at(-1);
  return [
    '### Created at once',
    plot('operator-created', 'Created at once'),
    markdownTable(head, rows),
    ...contestTable(results),
    ...(last ? [writesTable(last, becomingReady)] : []),
  ];
}

function contestTable({ contest }: OperatorResults): string[] {
  if (contest.length === 0) return [];
  const rows = contest.map(({ operator, flatOut }, index) => [
    `round ${index + 1}`,
    ms(flatOut.ms),
    ms(operator.totalMs),
    `${number(operator.totalMs / flatOut.ms)} ×`,
    ms(flatOut.cpuMs.bench),
    ms(operator.cpuMs.operator),
    `${ms(flatOut.cpuMs['kube-apiserver'])}, ${ms(operator.cpuMs['kube-apiserver'])}`,
  ]);
  const head = [
    '',
    'flat out',
    'operator',
    'ratio',
    'CPU of the client',
    'CPU of the operator',
    'CPU of kube-apiserver, each',
  ];
  return [
    `Beside a client that makes the same writes flat out, in turns; median of the ratios ${number(contestRatio(contest))} ×. Who goes first alternates: the longer an API server has run, the more it takes for each write.`,
    markdownTable(head, rows),
  ];
}

function writesTable(creation: Creation, ready: OperatorResults['becomingReady']): string {
  const kinds = new Map<string, [number, number]>();
  const add = (counts: readonly Count[], resources: number, column: 0 | 1): void => {
    for (const { verb, resource, count } of counts) {
      const entry = kinds.get(`${verb} ${resource}`) ?? [0, 0];
      entry[column] += count / resources;
      kinds.set(`${verb} ${resource}`, entry);
    }
  };
  add(creation.writes, creation.resources, 0);
  if (ready) add(ready.writes, ready.resources, 1);
  const rows = [...kinds].map(([kind, [first, then]]) => [kind, number(first), ready ? number(then) : '']);
  return `API writes for one resource:\n\n${markdownTable(['', 'until it is served', 'then, until it is ready'], rows)}`;
}

function restSection({ rests, restart, away }: OperatorResults): string[] {
  if (rests.length === 0 && !restart && away.length === 0) return [];
  const rows = rests.map((rest: Rest) => [
    `${number(rest.resources)}, Pods ${rest.pods}, ${short(rest.minutes)} min`,
    String(total(rest.writes)),
    String(rest.lease),
    list(rest.reads),
  ]);
  return [
    '### At rest, restarted, and without an API server',
    ...(rows.length > 0 ? [markdownTable(['', 'writes', 'writes of the Lease', 'reads'], rows)] : []),
    ...(restart
      ? [
          `A restart with ${number(restart.resources)} resources: the workers run after ${ms(restart.workingMs)}, each resource was looked at after ` +
            `${ms(restart.reconciledMs)}; ${total(restart.writes)} writes; reads: ${list(restart.reads)}.`,
        ]
      : []),
    ...(away.length > 0
      ? [
          `kube-apiserver killed for ${away.map((one) => ms(one.awayMs)).join(', ')}, and a new KcpMcpServer made as soon as it is ready again: served after ` +
            `${away.map((one) => ms(one.servedMs)).join(', ')}; in the half minute after that ${away.map((one) => total(one.later)).join(', ')} writes.`,
        ]
      : []),
  ];
}

function driftSection({ drifts }: OperatorResults): string[] {
  if (drifts.length === 0) return [];
  const kinds = [...new Set(drifts.map(({ how, resource }) => `${resource}, ${how}`))];
  const row = (name: string, times: readonly number[]): string[] => [
    name,
    String(times.length),
    ...[median(times), percentile(times, 0.99), Math.max(...times)].map(ms),
  ];
  const rows = kinds.map((kind) =>
    row(
      kind,
      drifts.filter(({ how, resource }) => `${resource}, ${how}` === kind).map((drift) => drift.ms),
    ),
  );
  const all = row('all', drifts.map((drift) => drift.ms)); // prettier-ignore
  return [
    '### Children deleted or edited by hand',
    plot('operator-drift', 'Children back'),
    markdownTable(['', 'times', 'p50', 'p99', 'longest'], [...rows, all]),
  ];
}

function rotationSection({ rotations }: OperatorResults): string[] {
  if (rotations.length === 0) return [];
  const rows = rotations.map((one) => [
    one.sources === 1 ? `one kubeconfig of ${number(one.resources)}` : `${number(one.sources)} kubeconfigs`,
    ms(one.copiedMs),
    ms(one.settledMs),
    perResource(one.writes, one.resources),
    megabytes(one.memory.rssKiB),
    String(one.connections),
  ]);
  const head = ['', 'all copies', 'all written', 'writes for one', 'resident', 'connections to the API server'];
  return ['### A kubeconfig changes', markdownTable(head, rows)];
}

function memorySection({ memory }: OperatorResults): string[] {
  if (memory.length === 0) return [];
  const rows = memory.map(({ after, resources, rssKiB, peakKiB, connections }) => [
    `after ${after}, ${number(resources)} resources`,
    megabytes(rssKiB),
    megabytes(peakKiB),
    String(connections),
  ]);
  const head = ['', 'resident', 'the most of this process so far', 'connections to the API server'];
  return ['### Memory of the operator', plot('operator-memory', 'Memory'), markdownTable(head, rows)];
}

const perResource = (counts: readonly Count[], resources: number): string => number(total(counts) / resources);
const megabytes = (kib: number): string => `${number((kib * 1024) / 1e6)} MB`;
const plot = (name: string, title: string): string => `![${title}](benchmarks/${name}.svg)`;
const list = (counts: readonly Count[]): string =>
  counts.length === 0 ? 'none' : counts.map(({ verb, resource, count }) => `${count} ${verb} ${resource}`).join(', ');
