/** A piece of work, which may find more to be done. */
export type Work = (queue: WorkQueue) => Promise<void>;

export interface WorkQueue {
  /** To be done after all that waits. */
  later(work: Work): void;
  /** To be done before all that waits. */
  next(work: Work): void;
}

/** Pieces after which those that are done are let go. */
const CHUNK = 1_000;

/**
 * Works off a queue that grows as it is worked off, `max` pieces at a time. What waits costs no more than a closure: ten
 * thousand promises that wait for their turn would be forty megabytes.
 *
 * @returns when nothing is left. @throws what the first piece throws; no more are begun then.
 */
export async function workOff(first: readonly Work[], max: number): Promise<void> {
  let waiting = [...first];
  let taken = 0;
  const urgent: Work[] = [];
  let running = 0;
  let stopped = false;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const queue: WorkQueue = {
    later: (work) => waiting.push(work),
    next: (work) => urgent.push(work),
  };

  function take(): Work | undefined {
    if (urgent.length > 0) return urgent.shift();
    if (taken === waiting.length) return undefined;
    const work = waiting[taken];
    taken += 1;
    if (taken === CHUNK) [waiting, taken] = [waiting.slice(taken), 0];
    return work;
  }

  function go(): void {
    while (!stopped && running < max) {
      const work = take();
      if (work === undefined) break;
      running += 1;
      work(queue).then(done, fail);
    }
    if (running === 0) resolve(undefined);
  }

  function done(): void {
    running -= 1;
    go();
  }

  function fail(error: unknown): void {
    stopped = true;
    reject(error);
  }

  go();
  await promise;
}
