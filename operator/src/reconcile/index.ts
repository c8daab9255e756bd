/** The reconcile of one KcpMcpServer, as a story. Level-triggered: it may run at any time, twice, or never finish. */
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import {
  isApiError,
  isConflict,
  isNotFound,
  parseKey,
  type Applier,
  type EventRecorder,
  type KubeClient,
  type Logger,
  type QueueOptions,
} from '../kube/index.ts';
import type { Metrics } from '../metrics.ts';
import type { Caches } from './caches.ts';
import { untilExpiry } from './certificate.ts';
import { prune } from './cleanup.ts';
import { createFinalize } from './finalizer.ts';
import { copyIndexIdentity } from './index-identity.ts';
import { inherit } from './inherit.ts';
import { mint, pruneMinted } from './minted.ts';
import { isPassing, RetryError } from './errors.ts';
import { applyExposure } from './exposure.ts';
import { observe } from './observe.ts';
import { NotYetKnownError } from './references.ts';
import type { Run } from './run.ts';
import { newReport, resultOf } from './status.ts';
import { writeStatus } from './status-writer.ts';
import { oneLine } from './text.ts';
import { takeBack } from './take-back.ts';
import { Looks } from './watched-objects.ts';
import { applyWorkload } from './workload.ts';
import type { Announcer } from './transitions.ts';
import { createUnanswered } from './unanswered.ts';

export interface ReconcilerOptions {
  caches: Caches;
  /** Writes with these stop when the term as leader ends. */
  client: KubeClient;
  applier: Applier;
  announce: Announcer;
  events: Pick<EventRecorder, 'event'>;
  metrics: Pick<Metrics, 'reconciled'>;
  logger: Logger;
  runtimeImage: string;
  grantee: () => string;
  now?: () => Date;
}

/** Passing faults of one resource in a row before its status says a word. */
const PATIENCE = 3;

/** What the queue calls with the key (`namespace/name`) of a KcpMcpServer. Throws {@link RetryError} for "again, after backoff". */
export function createReconciler(options: ReconcilerOptions): QueueOptions['process'] {
  const { caches, metrics, logger, now = () => new Date() } = options;
  const failures = new Map<string, number>();
  const finalize = createFinalize({ ...options, now });
  const unanswered = createUnanswered(options.announce);

  const leave = async (run: Run, key: string): Promise<void> => {
    let failure: unknown;
    try {
      await takeBack(run);
      caches.release(key, run.looks);
    } catch (error) {
      if (!(error instanceof NotYetKnownError)) failure = error;
    }
    await finalize(run.server, run.signal);
    retryIfNeeded(run, failure);
  };

  return async (key, signal) => {
    const server = caches.servers.get(parseKey(key));
    if (!server || server.metadata.deletionTimestamp !== undefined) {
      // Its children go with it (ownerReference); to touch them now would bring them back. What lies elsewhere doesn't.
      failures.delete(key);
      unanswered.forget(key);
      if (!server) caches.release(key);
      else await leave(begin(key, server, options, now(), signal), key);
      return undefined;
    }
    const start = performance.now();
    const run = begin(key, server, options, now(), signal);
    try {
      const failure = await phases(run);
      unanswered.forget(key);
      const failed = failure === undefined ? 0 : (failures.get(key) ?? 0) + 1;
      failures.set(key, failed);
      if (failure === undefined || !isPassing(failure) || failed >= PATIENCE) {
        await writeStatus(run, options.announce);
      }
      if (failure === undefined) caches.release(key, run.looks);
      metrics.reconciled(failure === undefined ? resultOf(run.report) : 'transient', seconds(start));
      retryIfNeeded(run, failure);
      failures.delete(key);
      return { ...nextLook(run), caused: versionsWritten(run) };
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return undefined;
      if (error instanceof NotYetKnownError) return unanswered.wait(run, key);
      if (!(error instanceof RetryError)) metrics.reconciled('transient', seconds(start));
      const cause = error instanceof RetryError ? (error.cause ?? error) : error;
      logger[isPassing(cause) ? 'debug' : 'warn']('reconcile is tried again', { key, error: oneLine(String(cause)) });
      throw error;
    }
  };
}

/** The versions that this reconcile made: their events are no reason for another one. */
function versionsWritten({ applied }: Run): Set<string> {
  const written = [...applied.values()].filter(({ action }) => action !== 'unchanged');
  return new Set(written.flatMap(({ object }) => object.metadata.resourceVersion ?? []));
}

/** The story. What goes wrong with one step of it is in the report; what is returned cut it short. */
async function phases(run: Run): Promise<unknown> {
  try {
    await mint(run);
    inherit(run);
    await copyIndexIdentity(run);
    await applyWorkload(run);
    await applyExposure(run);
    await prune(run);
    await pruneMinted(run);
    observe(run);
    return undefined;
  } catch (error) {
    if (error instanceof NotYetKnownError || run.signal.aborted) throw error;
    const message = `${oneLine(error instanceof Error ? error.message : String(error))}. It is tried again`;
    run.report.overall = { kind: 'transient', reason: 'RetryingAfterError', message };
    return error;
  }
}

function begin(key: string, server: KcpMcpServer, options: ReconcilerOptions, now: Date, signal: AbortSignal): Run {
  const { caches, applier, client, runtimeImage, grantee } = options;
  return {
    server,
    now,
    report: newReport(),
    minted: {},
    applied: new Map(),
    looks: new Looks(key),
    caches,
    sources: caches,
    applier,
    client,
    runtimeImage,
    grantee: grantee(),
    signal,
  };
}

/** Waiting and terminal problems are watched. Only what nothing would tell us about is tried again. */
function retryIfNeeded({ report, caches }: Run, failure: unknown): void {
  if (failure !== undefined) {
    if (isConflict(failure)) caches.hurry();
    const retryAfterMs = isApiError(failure) ? failure.retryAfterMs : undefined;
    throw new RetryError(report.overall?.message ?? 'failed', { cause: failure, retryAfterMs });
  }
  const finding = Object.values(report.causes).find((cause) => cause.status !== 'True' && cause.kind === 'transient');
  if (finding) throw new RetryError(finding.message);
}

/** When to look though nothing wakes us. */
function nextLook(run: Run): { afterMs: number } | undefined {
  const times = [untilExpiry(run)?.afterMs, run.report.againMs].filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : { afterMs: Math.min(...times) };
}

const seconds = (start: number): number => (performance.now() - start) / 1000;
