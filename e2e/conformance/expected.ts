import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** Checks that are expected to fail, by scenario; the value is the reason. */
export type Expected = ReadonlyMap<string, ReadonlyMap<string, string>>;

export const EXPECTED_FILE = join(import.meta.dirname, 'expected-failures.yaml');

const schema = z.strictObject({
  reasons: z.record(z.string(), z.string().min(1)),
  /** By revision, scenario and check: the name of a reason. */
  expected: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.string()))),
});

/**
 * Reads the list of expected failures.
 *
 * @returns by revision.
 * @throws where the file isn't of that shape, an entry has no reason, or a reason no entry.
 */
export function readExpected(file = EXPECTED_FILE): ReadonlyMap<string, Expected> {
  const { reasons, expected } = schema.parse(parse(readFileSync(file, 'utf8')));
  const unused = new Set(Object.keys(reasons));
  const reasonOf = (name: string) => {
    const reason = reasons[name];
    if (reason === undefined) throw new Error(`${file}: no such reason: ${name}`);
    unused.delete(name);
    return reason;
  };
  const mapOf = <T, U>(record: Record<string, T>, value: (each: T) => U) =>
    new Map(Object.entries(record).map(([key, each]) => [key, value(each)] as const));
  const all = mapOf(expected, (scenarios) => mapOf(scenarios, (checks) => mapOf(checks, reasonOf)));
  if (unused.size > 0) throw new Error(`${file}: reasons without an entry: ${[...unused].join(', ')}`);
  return all;
}
