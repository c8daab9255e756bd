import type { Run } from './run.ts';
import { writeStatus } from './status-writer.ts';
import type { Announcer } from './transitions.ts';

/** How long an answer may take that nothing can be said without, before the status says so. */
const ANSWER_MS = 30_000;

/**
 * What the API server doesn't answer (NotYetKnownError). Its watch brings the reconcile back when the answer comes; it may
 * never: about a Secret that can't be decrypted, say, or a kind whose conversion webhook is away.
 */
export function createUnanswered(announce: Announcer) {
  /** When it was first missed, by key of the KcpMcpServer. */
  const since = new Map<string, number>();

  return {
    /** @returns when to look again though nothing wakes us */
    async wait(run: Run, key: string): Promise<{ afterMs: number }> {
      const first = since.get(key) ?? run.now.getTime();
      since.set(key, first);
      const left = first + ANSWER_MS - run.now.getTime();
      if (left > 0) return { afterMs: left };
      const what = run.looks.pending().join(', ') || 'Kubeconfigs';
      const message = `the API server gives no answer about ${what}, and nothing is done before: see its log. It is asked again`;
      run.report.overall = { kind: 'transient', reason: 'RetryingAfterError', message };
      await writeStatus(run, announce);
      return { afterMs: ANSWER_MS };
    },
    /** The answer came, or isn't wanted any more. */
    forget(key: string): void {
      since.delete(key);
    },
  };
}
