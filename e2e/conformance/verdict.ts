/** One finding of the suite, as it writes them down. An id may come several times in a scenario. */
export interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** What keeps a scenario from being as it should; nothing does when both are empty. */
export interface Verdict {
  /** Failures that nobody expects, with what the suite says. */
  readonly unexpected: readonly string[];
  /** Expected failures that didn't happen: their entries have to go. */
  readonly stale: readonly string[];
}

/**
 * Compares what a scenario found with what is expected to fail in it. A warning (a SHOULD of the specification) is a failure.
 *
 * Stricter than the suite's own `--expected-failures`, which passes over scenarios that a revision doesn't require, scenarios that
 * it doesn't know, and expected checks that never came.
 *
 * @param checks undefined where the scenario didn't run.
 */
export function judge(checks: readonly Check[] | undefined, expected: ReadonlySet<string> = new Set()): Verdict {
  if (checks === undefined || checks.length === 0) return { unexpected: ['it did not run'], stale: [...expected] };
  const failures = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const failed = new Set(failures.map(({ id }) => id));
  return {
    unexpected: failures.filter(({ id }) => !expected.has(id)).map(describe),
    stale: [...expected].filter((id) => !failed.has(id)),
  };
}

const describe = ({ id, status, errorMessage }: Check) =>
  `${id} (${status.toLowerCase()})${errorMessage === undefined ? '' : `: ${errorMessage}`}`;
