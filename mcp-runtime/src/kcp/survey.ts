import type { Asker } from './access.ts';
import type { KcpClient } from './client.ts';
import { CancelledError, KcpError, KcpStatusError, KcpTimeoutError } from './errors.ts';
import { limiter } from './limiter.ts';
import type { Limiter } from './limiter.ts';
import type { Gap, Walk, Workspace } from './workspace.ts';

/** What a look at a caller's workspaces is given, however it is done. */
export interface SurveyOptions {
  /** Workspace to begin at. */
  readonly root: string;
  /** The caller's own token: kcp decides what it may see. */
  readonly token: string;
  readonly signal: AbortSignal;
  /** After that, what was found is what there is. Milliseconds. */
  readonly deadlineMs: number;
  /** What the same caller had before, so that the likelier question is asked first. */
  readonly earlier?: Walk | undefined;
  /** Whether lists must hold what was written a moment ago. */
  readonly consistent?: boolean;
  /** Shared by all that look at the same time, so that they leave connections to others. */
  readonly shared?: Limiter;
}

/** One look at a caller's workspaces under way: at most so many requests at a time, until the deadline. */
export interface Survey {
  readonly asker: Asker;
  /** Sends requests about a workspace when there is room. @throws {CancelledError} when there is no time left by then. */
  ask<T>(workspace: string, task: () => Promise<T>): Promise<T>;
  /**
   * Why something wasn't found out about a workspace.
   * @throws {unknown} what would stand in the way of everything: a token that kcp rejects, callers who went away, a fault
   * of ours.
   */
  why(error: unknown, about?: Workspace): Pick<Gap, 'reason' | 'transient'>;
  /** What becomes of an error that leaves no answer at all: a deadline that passed is kcp's being slow. */
  final(error: unknown): unknown;
  /** Ends all requests under way; no more are sent. */
  end(): void;
}

/** Requests at a time: 316 probes took a real kcp 0.26 s this way. */
export const CONCURRENCY = 16;
/** Workspaces that one caller's answer holds, and that are asked about for it. What is beyond is named as a gap. */
export const MAX_WORKSPACES = 10_000;

export function beginSurvey(kcp: KcpClient, options: SurveyOptions): Survey {
  const { token, signal, deadlineMs } = options;
  const shared: Limiter = options.shared ?? ((task) => task());
  const limit = limiter(CONCURRENCY);
  const stop = new AbortController();
  let late = false;
  const leave = () => {
    stop.abort();
  };
  // Not AbortSignal.timeout: its timer lives on when all is done.
  const timer = setTimeout(() => {
    late = true;
    stop.abort();
  }, deadlineMs);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();

  return {
    asker: { token, signal: stop.signal },
    ask: (workspace, task) =>
      limit(() =>
        shared(() => {
          if (!stop.signal.aborted) return task();
          const context = { host: kcp.host, workspace, path: '', target: undefined };
          throw new CancelledError('the call was cancelled', context);
        }),
      ),
    why(error, about) {
      if (!(error instanceof KcpError) || signal.aborted) throw error;
      if (error instanceof KcpStatusError && error.status === 401) throw error;
      if (error instanceof CancelledError) return { reason: `no time left (${deadlineMs / 1000} s)`, transient: true };
      if (!(error instanceof KcpStatusError)) return { reason: error.message, transient: true };
      const { status, message } = error;
      // What stands behind a mount isn't kcp: it may be away for long, and asking all the others again doesn't bring it back.
      const lasting = status === 403 || status === 404 || about?.mounted === true;
      return { reason: `${status}: ${message}`, transient: !lasting };
    },
    final: (error) =>
      late && error instanceof CancelledError ? new KcpTimeoutError(deadlineMs, error.context) : error,
    end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      stop.abort();
    },
  };
}
