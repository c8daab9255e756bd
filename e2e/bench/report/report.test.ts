import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatResults, readResults } from '../results.ts';
import { ratio, standing } from './contest.ts';
import { goals } from './goals.ts';
import { page } from './markdown.ts';
import { measurements } from './measurements.ts';
import { plots } from './plots.ts';
import { median, percentile } from './statistics.ts';
import { barChart } from './svg.ts';

const file = (name: string): string => join(import.meta.dirname, 'testdata', `${name}.json`);
const synthetic = await readResults(file('synthetic'));
const real = await readResults(file('real'));

describe('figures', () => {
  test('percentiles are of the nearest rank', () => {
    const samples = [5, 1, 4, 2, 3];
    expect([0.5, 0.95, 1].map((share) => percentile(samples, share))).toEqual([3, 5, 5]);
    expect([median(samples), median([4, 1, 3, 2])]).toEqual([3, 2.5]);
  });

  test('a standing is over all rounds', () => {
    expect(standing(synthetic.runs, 'resources_list', 'ours')).toMatchObject({
      requests: 3100,
      perSecond: expect.closeTo(1033.3, 1),
      p50: 7,
      p99: 9,
      cpuPerRequest: 1,
      kcp: { requests: 1, handshakes: 0, discovery: 0 },
    });
    expect(standing(synthetic.runs, 'resources_list', 'raw')).not.toHaveProperty('cpuPerRequest');
    expect(standing(synthetic.runs, 'tools_list', 'raw')).toBeUndefined();
  });

  test('a ratio is the median of the rounds', () => {
    expect(ratio(synthetic.runs, 'resources_list', 'ours', 'peer')).toBe(10);
    expect(ratio(synthetic.runs, 'tools_list', 'ours', 'raw')).toBeUndefined();
  });
});

describe('goals', () => {
  const verdicts = (...results: Parameters<typeof measurements>[0]) =>
    goals(measurements(results)).map(({ what, where, measured, met }) => [`${what} | ${where}`, measured, met]);

  test('are met, missed or not measured', () => {
    expect(verdicts(synthetic)).toEqual([
      ['`resources_list` with OIDC, 8 connections, over the peer | synthetic kcp', '10.0 ×', true],
      ['`resources_list`, our processor time per call | synthetic kcp', '1.00 ms', true],
      ['added latency of one warm call, 1 connection, p50 | synthetic kcp', '1.40 ms', true],
      ['`kcp_workspaces_list`, warm, over the peer | synthetic kcp', '1,200 ×', true],
      ['`tools/list` over the peer | ', '3.00 ×', false],
      ['`resources_list` with OIDC, 8 connections, over the peer | real kcp', 'not measured', undefined],
      [
        '`resources_list`, share of what kcp itself gets through, all on the same cores | real kcp',
        'not measured',
        undefined,
      ],
      [
        '`resources_list`, share of what kcp itself gets through, kcp on a core of its own | real kcp',
        'not measured',
        undefined,
      ],
      ['`resources_list`, our processor time per call | real kcp', 'not measured', undefined],
      ['added latency of one warm call, 1 connection, p50 | real kcp', 'not measured', undefined],
      ['`kcp_workspaces_list`, warm, over the peer | real kcp', 'not measured', undefined],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw probes | synthetic kcp",
        '5.00 ×',
        false,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw lists that a walk takes | synthetic kcp",
        'not measured',
        undefined,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Index, to the raw probes | synthetic kcp",
        'not measured',
        undefined,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw probes | synthetic kcp, 10 ms an answer",
        '1.14 ×',
        true,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw lists that a walk takes | synthetic kcp, 10 ms an answer",
        'not measured',
        undefined,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Index, to the raw probes | synthetic kcp, 10 ms an answer",
        '1.30 ×',
        true,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw probes | real kcp",
        'not measured',
        undefined,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Caller, to the raw lists that a walk takes | real kcp",
        'not measured',
        undefined,
      ],
      [
        "`kcp_workspaces_list`, a caller's first, inventory: Index, to the raw probes | real kcp",
        'not measured',
        undefined,
      ],
      ['memory under 10 min of load, working set at most | ', '90.0 MiB', true],
      ['memory under 10 min of load, kills in a control group of 128 MiB | ', '0', true],
      ['memory under 10 min of load, growth after minute 2 | ', '1.00 MiB', true],
      ['start to `/readyz` | ', '290 ms', true],
      ['start to `/readyz` with 100m of a core | ', '3,500 ms', false],
    ]);
  });

  test('of a real kcp include the share of what it gets through itself', () => {
    expect(verdicts(synthetic, real)).toContainEqual([
      '`resources_list`, share of what kcp itself gets through, all on the same cores | real kcp',
      '75.0 %',
      true,
    ]);
  });

  test('memory that grows misses', () => {
    const memory = synthetic.memory;
    if (!memory) throw new Error('the fixture has no memory run');
    const samples = memory.samples.map((sample) => ({ ...sample, anonymousKiB: 51_200 + sample.atMs / 50 }));
    const growing = { ...synthetic, memory: { ...memory, samples, oomKills: 1 } };
    expect(verdicts(growing).filter(([what]) => String(what).startsWith('memory')).map(([, , met]) => met)).toEqual([true, false, false]); // prettier-ignore
  });
});

describe('the page', () => {
  test('is the same for the same results, in whatever order they come', () => {
    const once = page(measurements([synthetic, real]));
    expect(page(measurements([real, synthetic]))).toBe(once);
    expect([...plots(measurements([real, synthetic]))]).toEqual([...plots(measurements([synthetic, real]))]);
  });

  test('says machine, date, commit and commands', () => {
    const text = page(measurements([synthetic]));
    for (const part of [
      '2 cores of Test CPU',
      'v26.0.0',
      '2026-12-02',
      '0123456789ab',
      'npm run bench -- --json synthetic.json',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('Not measured: no real kcp was given (`KCP_BIN`, `KCP_KUBECONFIG`).');
    expect(text).toContain('**missed**');
  });

  test('takes each part from the newest result that has it, and says which when that is an older one', () => {
    const text = page(measurements([real, synthetic]));
    expect(text).toContain('what was measured last: Measured on 2026-11-20');
    expect(text).toContain('kcp v0.30.0');
    // The older one's figures of the synthetic kcp don't count.
    expect(text).toContain('| resources_list, 8 connections: ours | 1,033 |');
  });

  test('warns of a smoke run', () => {
    expect(page(measurements([{ ...synthetic, quick: true }]))).toContain('mean nothing');
    expect(page(measurements([synthetic]))).not.toContain('mean nothing');
  });

  test('shows every plot that is made, and no other', () => {
    const all = measurements([synthetic, real]);
    const shown = [...page(all).matchAll(/\(benchmarks\/([^)]+)\)/g)].map(([, name]) => name);
    expect(shown.sort()).toEqual([...plots(all).keys()].sort());
  });
});

describe('a plot', () => {
  test('has a bar of its length for each value, and text that is not markup', () => {
    const svg = barChart({
      title: 'a < b & "c"',
      axis: 'ms',
      groups: [{ label: 'g', bars: [{ label: 'x', tone: 'ours', value: 50, text: '50' }, { label: 'y', tone: 'peer', value: 100, text: '100' }] }],
    }); // prettier-ignore
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect([...svg.matchAll(/<rect x="190" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width))).toEqual([
      230, 460,
    ]);
  });

  test('never holds what is no number', () => {
    for (const [, svg] of plots(measurements([synthetic, real]))) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('results', () => {
  test('are read as they were written', async () => {
    const copy = join(await mkdtemp(join(tmpdir(), 'results-')), 'results.json');
    await writeFile(copy, formatResults(synthetic));
    expect(await readResults(copy)).toEqual(synthetic);
    expect(await readFile(copy, 'utf8')).toBe(await readFile(file('synthetic'), 'utf8'));
  });

  test('of another kind are refused by name', async () => {
    const other = join(await mkdtemp(join(tmpdir(), 'results-')), 'other.json');
    await writeFile(other, '{}');
    await expect(readResults(other)).rejects.toThrow(`${other} is no result of this benchmark`);
  });
});
