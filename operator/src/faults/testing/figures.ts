// What a test of a fault measured, for the table in docs/operator.md: see operator/faults.ts.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../../../../e2e/lib/cache.ts';

export interface Figure {
  /** A row of operator/faults.ts. */
  id: string;
  /** From the fault's end (or, where it doesn't end, its beginning) until all is as wanted. */
  seconds: number;
  /** What was sent to the API server while the fault lasted. */
  requests?: number;
}

export const FIGURES = join(repoRoot, '.testing/faults');

/** Keeps a figure, rounded to what it is worth. */
export async function keepFigure({ id, seconds, requests }: Figure): Promise<void> {
  await mkdir(FIGURES, { recursive: true });
  const figure: Figure = { id, seconds: Number(seconds.toFixed(1)), ...(requests !== undefined && { requests }) };
  await writeFile(join(FIGURES, `${id}.json`), JSON.stringify(figure));
}

/** Seconds since `from` (of `performance.now()`). */
export const secondsSince = (from: number): number => (performance.now() - from) / 1000;
