/** The time for a call is up. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Runs `work` until the caller goes away or the time is up, also when it doesn't listen to its signal.
 *
 * Not AbortSignal.timeout: its timer lives on when the call is done, thousands of them on a busy server.
 *
 * @throws {DeadlineError}, the caller's reason, and what `work` throws.
 */
export async function withinDeadline<T>(
  caller: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  caller.throwIfAborted();
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (reason: Error) => {
    reject(reason);
    controller.abort(reason);
  };
  const gone = () => {
    stop(caller.reason as Error);
  };
  const timer = setTimeout(() => {
    stop(new DeadlineError());
  }, timeoutMs);
  caller.addEventListener('abort', gone, { once: true });
  try {
    return await Promise.race([work(controller.signal), promise]);
  } finally {
    clearTimeout(timer);
    caller.removeEventListener('abort', gone);
  }
}
