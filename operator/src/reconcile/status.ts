/**
 * The one place that says how a KcpMcpServer is doing: what the steps of a reconcile found goes in, the status comes out.
 * Pure; what is written is compared with what is there by the caller.
 */
import { CAUSES, NOTES, type ConditionType, type Reason } from '../api/conditions.ts';
import type { Condition, KcpMcpServer, KcpMcpServerStatus } from '../api/kcp-mcp-server.ts';
import type { ErrorKind, Problem } from './errors.ts';
import { oneLine } from './text.ts';

export type Cause = (typeof CAUSES)[number];

/** What a step found out about one cause of Ready. */
export interface Finding {
  status: 'True' | 'False' | 'Unknown';
  reason: Reason;
  message: string;
  /** Who has to act: somebody (`waiting`, `terminal`), the operator (`transient`), the cluster (`progressing`). Of no interest when True. */
  kind?: ErrorKind | 'progressing';
  /** It only follows from another cause that isn't True, whose reason and message say more. */
  derived?: boolean;
  /** Worth telling, but the endpoint answers all the same: Ready doesn't depend on it. */
  tolerated?: boolean;
}

/** Status fields beside the conditions. */
export type Facts = Partial<Omit<KcpMcpServerStatus, 'conditions' | 'observedGeneration'>>;

/** What one reconcile found out. Causes, notes and facts that it didn't come to keep what the status says already. */
export interface Report {
  causes: Partial<Record<Cause, Finding>>;
  /** What is told, but isn't a cause of Ready. */
  notes?: Partial<Record<(typeof NOTES)[number], Finding>>;
  /** What stands above all causes: a call that failed. */
  overall?: Problem;
  facts: Facts;
  /** When to look again though nothing has changed, in ms. */
  againMs?: number;
}

/** Makes the next look come in `ms` at the latest. */
export function lookAgain(report: Report, ms: number): void {
  report.againMs = Math.min(report.againMs ?? Infinity, ms);
}

export const newReport = (): Report => ({ causes: {}, facts: {} });

export const holds = (reason: Reason, message: string): Finding => ({ status: 'True', reason, message });
export const fails = ({ kind, reason, message, command }: Problem): Finding => ({
  status: 'False',
  kind,
  reason,
  message: command === undefined ? message : `${message}. Grant it with: ${command}`,
});
export const progressing = (status: 'False' | 'Unknown', reason: Reason, message: string): Finding => ({
  status,
  reason,
  message,
  kind: 'progressing',
});

/** Beyond the longest commands, and well within what the schema takes. */
const MAX_MESSAGE = 8192;

/**
 * The whole status after a reconcile.
 * @param now for the lastTransitionTime of conditions whose status changes; all others keep theirs
 */
export function summarize(server: KcpMcpServer, report: Report, now: Date): KcpMcpServerStatus {
  const previous = new Map(server.status?.conditions?.map((condition) => [condition.type, condition]));
  const generation = server.metadata.generation ?? 0;

  const condition = (
    type: ConditionType,
    { status, reason, message }: Pick<Finding, 'status' | 'reason' | 'message'>,
  ): Condition => {
    const before = previous.get(type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : rfc3339(now);
    const line = oneLine(message, MAX_MESSAGE);
    return { type, status, reason, message: line, lastTransitionTime, observedGeneration: generation };
  };

  const causes = CAUSES.flatMap((type) => {
    const finding = report.causes[type];
    return finding ? [condition(type, finding)] : (previous.get(type) ?? []);
  });
  const notes = NOTES.flatMap((type) => {
    const finding = report.notes?.[type];
    return finding ? [condition(type, finding)] : (previous.get(type) ?? []);
  });
  const summary = summaryOf(report, causes);
  const conditions = [condition('Ready', summary.ready), ...causes, ...notes];
  if (summary.reconciling) conditions.push(condition('Reconciling', summary.reconciling));
  if (summary.stalled) conditions.push(condition('Stalled', summary.stalled));

  const { conditions: _, observedGeneration: __, ...facts } = server.status ?? { observedGeneration: -1 };
  return { ...withoutUndefined({ ...facts, ...report.facts }), observedGeneration: generation, conditions };
}

const NOT_LOOKED_AT = progressing('Unknown', 'Progressing', 'the operator has not come to this yet');

interface Summary {
  ready: Finding;
  reconciling?: Finding;
  stalled?: Finding;
}

function summaryOf(report: Report, causes: Condition[]): Summary {
  if (report.overall) return notReady(fails(report.overall));

  const bad = CAUSES.map((type): Finding => {
    const known = causes.find((cause) => cause.type === type);
    return report.causes[type] ?? (known as Finding | undefined) ?? NOT_LOOKED_AT;
  }).filter(({ status, tolerated }) => status !== 'True' && !tolerated);
  // What nobody will mend by waiting comes before what is only late, and a cause before what follows from it.
  const causal = bad.filter(({ derived }) => !derived);
  const worst =
    causal.find(({ kind }) => kind === 'terminal') ??
    causal.find(({ kind }) => kind !== 'progressing') ??
    causal[0] ??
    bad[0];
  if (worst) return notReady(worst);
  return { ready: holds('Succeeded', 'the endpoint is up') };
}

function notReady(worst: Finding): Summary {
  const { reason, message } = worst;
  const ready = worst.status === 'Unknown' ? worst : { ...worst, status: 'False' as const };
  const raised = { status: 'True' as const, message };
  switch (worst.kind) {
    case 'terminal':
      return { ready, stalled: { ...raised, reason } };
    case 'waiting':
      return { ready, reconciling: { ...raised, reason: reason === 'Contested' ? reason : 'WaitingForReference' } };
    case 'transient':
      return { ready, reconciling: { ...raised, reason: 'RetryingAfterError' } };
    default:
      return { ready, reconciling: { ...raised, reason: 'Progressing' } };
  }
}

/** How a reconcile ended, for metrics: the kind of what Ready says, `success` when nothing needs to be done by us. */
export function resultOf(report: Report): 'success' | ErrorKind {
  if (report.overall) return report.overall.kind;
  const kinds = new Set(
    Object.values(report.causes).map(({ status, tolerated, kind }) => (status === 'True' || tolerated ? '' : kind)),
  );
  return (['terminal', 'transient', 'waiting'] as const).find((kind) => kinds.has(kind)) ?? 'success';
}

/** `metav1.Time`: seconds are the finest that it holds. */
const rfc3339 = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** A fact that was found to be gone is left out, so that server-side apply removes it. */
function withoutUndefined(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
