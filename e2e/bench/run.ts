import { join } from 'node:path';
import { isRealKcpGiven } from '../kcp/which-kcp.ts';
import { repoRoot } from '../lib/cache.ts';
import { stopAll } from '../lib/process.ts';
import { createProgress } from '../lib/progress.ts';
import { kcpVersion, realInstallation, syntheticInstallation } from './installation.ts';
import type { Installation } from './installation.ts';
import { startGenerator } from './load/generator.ts';
import { thisCommit, thisMachine } from './measure/machine.ts';
import type { Options, Part } from './options.ts';
import type { Results } from './results.ts';
import { firstLists } from './scenarios/first-list.ts';
import { memory } from './scenarios/memory.ts';
import { starts } from './scenarios/start.ts';
import { throughput } from './scenarios/throughput.ts';
import type { Context } from './context.ts';

/** Run folder of the benchmark. */
export const runDir = join(repoRoot, '.testing/bench');

const scenarios: Record<Part, (context: Context) => Promise<void>> = {
  throughput,
  first: firstLists,
  start: starts,
  memory,
};
/** What a real kcp can change; a start and the memory are the same before any. */
const ofReal: readonly Part[] = ['throughput', 'first'];

/**
 * Measures everything that the options ask for. What it started is gone when it returns or throws.
 *
 * @param save is called with all results so far after each part: a late failure doesn't take what was measured with it
 */
export async function bench(
  options: Options,
  command: string,
  save: (results: Results) => Promise<void>,
): Promise<Results> {
  const results: Results = {
    format: 1,
    date: new Date().toISOString(),
    command,
    commit: thisCommit(),
    machine: thisMachine(),
    quick: options.quick,
    synthetic: { workspaces: 0 },
    runs: [],
    firstLists: [],
    starts: [],
  };
  const progress = createProgress();
  const generator = startGenerator();
  const run = async (installation: Installation, parts: readonly Part[]): Promise<void> => {
    for (const part of parts) {
      await scenarios[part]({ options, installation, generator, results, progress });
      await save(results);
    }
  };
  try {
    const dir = join(runDir, 'synthetic');
    const synthetic = await progress.step('start the synthetic kcp', () => syntheticInstallation(dir));
    results.synthetic.workspaces = synthetic.workspaces.length - 1;
    await run(synthetic, options.only);
    await stopAll(dir);
    const parts = options.only.filter((part) => ofReal.includes(part));
    if (parts.length > 0 && isRealKcpGiven()) {
      const real = await progress.step('start and fill a real kcp', () => realInstallation(join(runDir, 'real')));
      results.real = { version: await kcpVersion(real), workspaces: real.workspaces.length - 1 };
      await run(real, parts);
    }
    return results;
  } finally {
    generator.stop();
    await stopAll(runDir);
  }
}
