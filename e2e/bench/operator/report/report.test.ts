import { expect, test } from '@jest/globals';
import type { Count, CpuMs, Creation, OperatorResults } from '../results.ts';
import { operatorGoals } from './goals.ts';
import { operatorSection } from './markdown.ts';
import { operatorPlots } from './plots.ts';

const cpuMs: CpuMs = { operator: 900, 'kube-apiserver': 2000, etcd: 300, bench: 100 };
const children = ['serviceaccounts', 'secrets', 'configmaps', 'certificates', 'services', 'deployments'];
const count = (verb: string, resource: string, many: number): Count => ({ verb, resource, count: many });

function creation(resources: number, totalMs: number, statuses = 1): Creation {
  return {
    ...{ resources, createMs: 500, totalMs, waitsMs: [100, 200, totalMs], reads: [], cpuMs },
    writes: [
      ...children.map((child) => count('patch', child, resources)),
      count('patch', 'kcpmcpservers/status', statuses * resources),
      count('create', 'events', resources),
    ],
  };
}

const memory = { rssKiB: 100_000, peakKiB: 120_000 };
const round = (totalMs: number, ms: number) => ({
  operator: creation(1000, totalMs),
  flatOut: { ms, writes: [], cpuMs },
});
const rest = { resources: 1000, minutes: 10, writes: [], lease: 300, reads: [count('watch', 'secrets', 9)], memory };
const results: OperatorResults = {
  format: 1,
  of: 'operator',
  date: '2026-11-26T18:00:00Z',
  command: 'npm run bench:operator --',
  commit: 'abc',
  machine: { cpu: 'CPU', cores: 2, memoryGiB: 24, kernel: 'Linux 6', node: 'v26', peer: '0' },
  versions: { operator: '0.1.0', kubernetes: 'v1.35.4' },
  quick: false,
  load: [{ stage: 'created', average: 1 }],
  created: creation(500, 9_000),
  contest: [round(11_000, 10_000), round(20_000, 10_000), round(12_000, 10_000)],
  becomingReady: { resources: 1000, writes: [count('patch', 'kcpmcpservers/status', 1500)] },
  rests: [{ ...rest, pods: 'never ready', connections: 20 }],
  restart: { resources: 1000, workingMs: 2_500, reconciledMs: 4_000, writes: [], reads: [] },
  away: [2_000, 2_900].map((servedMs) => ({ awayMs: 12_000, servedMs, writes: [], later: [] })),
  drifts: [10, 20, 400].map((ms) => ({ how: 'deleted', resource: 'services', ms })),
  rotations: [{ resources: 1000, sources: 1, copiedMs: 5_000, settledMs: 8_000, writes: [], memory, connections: 30 }],
  memory: [{ after: 'creation', resources: 1000, ...memory, connections: 20 }],
};

test('goals are met, missed or not measured', () => {
  const verdicts = operatorGoals(results).map(({ measured, met }) => [measured, met]);
  expect(verdicts).toEqual([
    ['9.00 s', true],
    // the median of the rounds
    ['1.20 ×', true],
    ['1.00', true],
    ['0', true],
    ['not measured', undefined],
    ['0', true],
    ['2.50 s', false],
    // the longest
    ['2.90 s', true],
    ['5.00 s', true],
    ['not measured', undefined],
    ['20.0 ms', true],
    ['400 ms', false],
    ['102 MB', true],
    ['123 MB', true],
  ]);
});

test('writes beyond one for each child and one event are told', () => {
  const twice = { ...results, contest: [{ ...round(1, 1), operator: creation(1000, 1, 3) }] };
  expect(operatorGoals(twice)[2]).toMatchObject({ measured: '3.00', met: false });
});

test('the page says commit, versions and, where it was busy, so of the machine', () => {
  const page = operatorSection(results).join('\n');
  expect(page).toContain('Measured on 2026-11-26 at commit `abc` with `npm run bench:operator --`');
  expect(page).toContain('Kubernetes v1.35.4');
  expect(page).toContain('| patch kcpmcpservers/status | 1.00 | 1.50 |');
  expect(page).not.toContain('busy');
  const busy = operatorSection({ ...results, load: [{ stage: 'created', average: 9 }] }).join('\n');
  expect(busy).toContain('The machine was busy with other work');
});

test('every plot that is made is shown, and no other; nothing is no number', () => {
  const page = operatorSection(results).join('\n');
  const shown = [...page.matchAll(/benchmarks\/([\w-]+\.svg)/g)].map(([, name]) => name);
  expect(shown.sort()).toEqual([...operatorPlots(results).keys()].sort());
  for (const text of [page, ...operatorPlots(results).values()]) expect(text).not.toMatch(/NaN|Infinity|undefined/);
  const { created: _, restart: __, ...rest } = results;
  const nothing = { ...rest, contest: [], rests: [], away: [], drifts: [], rotations: [], memory: [] };
  expect(operatorPlots(nothing).size).toBe(0);
  expect(operatorSection(nothing).join('\n')).not.toMatch(/NaN|Infinity|undefined/);
});
