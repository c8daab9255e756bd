import type { Principal } from './auth/principal.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { cut } from './output/text.ts';

/** What a tool adds to the audit line of its call. */
export interface AuditFields {
  /** Workspace that the call went to. */
  workspace?: string;
  /** Whom kcp saw, where that isn't the caller. */
  identity?: string;
  /** Kind, namespace and name of what was touched. Never contents. */
  object?: string;
  /** Outcome in one word where it is more than `ok` or `error`, such as `forbidden`. */
  result?: string;
  /** Whether a person said yes to what `confirmation_rules` want confirmed. */
  confirmation?: string;
}

/** One tool call in the audit log. */
export interface AuditEntry {
  readonly add: (fields: AuditFields) => void;
  /** Writes the line; later calls do nothing. `result` gives way to what the tool said. */
  readonly end: (result: 'ok' | 'error' | 'timeout' | 'cancelled') => void;
}

// C0, C1, the bidirectional controls, zero-width characters and the line separators: what makes a line look like another.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const MAX_LENGTH = 256;

/** Text of others as it may stand in a log: without invisible characters, at most 256 characters. */
export function plain(text: string): string {
  return cut(text.replaceAll(INVISIBLE, ''), MAX_LENGTH);
}

/**
 * Begins the audit line of a call: who, tool, workspace, object, result, duration; never the arguments, which may hold secrets.
 *
 * @param tool a tool of ours, or whatever the caller asked for.
 * @param known whether there is such a tool: only then its name becomes a metrics label.
 */
export function beginAudit(
  { log, metrics }: { log: Logger; metrics: Metrics },
  { principal, tool, known }: { principal: Principal; tool: string; known: boolean },
): AuditEntry {
  const started = performance.now();
  const fields: AuditFields = {};
  let ended = false;
  return {
    add: (more) => {
      Object.assign(fields, more);
    },
    end: (outcome) => {
      if (ended) return;
      ended = true;
      const milliseconds = performance.now() - started;
      const result = outcome === 'ok' || outcome === 'error' ? (fields.result ?? outcome) : outcome;
      const label = known ? tool : 'unknown';
      metrics.toolCalls.inc({ tool: label, result: outcome });
      metrics.toolSeconds.observe({ tool: label }, milliseconds / 1_000);
      log.audit({
        user: plain(principal.username ?? principal.subject),
        subject: plain(principal.subject),
        ...(fields.identity === undefined ? {} : { identity: plain(fields.identity) }),
        tool: plain(tool),
        ...(fields.workspace === undefined ? {} : { workspace: plain(fields.workspace) }),
        ...(fields.object === undefined ? {} : { object: plain(fields.object) }),
        result: plain(result),
        ...(fields.confirmation === undefined ? {} : { confirmation: plain(fields.confirmation) }),
        duration_ms: Math.round(milliseconds * 10) / 10,
      });
    },
  };
}
