import type { Progress } from '../lib/progress.ts';
import type { Installation } from './installation.ts';
import type { Generator } from './load/generator.ts';
import type { Options } from './options.ts';
import type { Results } from './results.ts';

/** What every part of the benchmark works with. */
export interface Context {
  options: Options;
  installation: Installation;
  generator: Generator;
  /** Where measurements go. */
  results: Results;
  progress: Progress;
}
