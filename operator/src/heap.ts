/**
 * How V8's heap grows: little by little, as memory counts most of the time; by large steps while many KcpMcpServers wait, or
 * collecting garbage would be much of the work; and what that took goes back when they are done. See docs/adr/0027.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { systemClock } from './kube/index.ts';
import type { Clock } from './kube/index.ts';

/** So many that wait are a burst. */
const BURST = 5;
/** A step of the heap during a burst, in bytes; but never less than one before. */
const BURST_STEP_BYTES = 40e6;
/** The larger the heap, the fewer percent such a step is: looked at so often. */
const LOOK_MS = 300;
/** A burst is over when nobody has waited for so long. */
const QUIET_MS = 1_000;
/** A step before the first burst, in percent of what the heap holds. */
const STARTING_PERCENT = 25;
/** A step after a burst: at rest it takes minutes to fill. */
const RESTING_PERCENT = 10;

export interface Heap {
  /** So many KcpMcpServers wait for a worker. */
  waiting(count: number): void;
}

/** What this needs of V8. */
export interface Engine {
  /** What the heap holds, in bytes. */
  used(): number;
  /** How much more than after a collection it may hold before the next. */
  growBy(percent: number): void;
  /** Collects all garbage, and gives the memory back. */
  collect(): void;
}

/** V8's own; it collects only where Node runs with --expose-gc, as in the image. */
function v8Engine(): Engine {
  // Memory goes back early. On the command line this would also set the young generation's size.
  setFlagsFromString('--optimize-for-size');
  return {
    used: () => getHeapStatistics().used_heap_size,
    growBy(percent) {
      setFlagsFromString(`--heap-growing-percent=${percent}`);
    },
    collect() {
      globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
    },
  };
}

export function createHeap({
  engine = v8Engine(),
  clock = systemClock,
}: { engine?: Engine; clock?: Clock } = {}): Heap {
  /** During a burst only. */
  let cancelLook: (() => void) | undefined;
  let cancelEnd: (() => void) | undefined;
  engine.growBy(STARTING_PERCENT);

  function look(): void {
    engine.growBy(Math.max(STARTING_PERCENT, Math.round((100 * BURST_STEP_BYTES) / engine.used())));
    cancelLook = clock.after(LOOK_MS, look);
  }

  function end(): void {
    cancelLook?.();
    cancelLook = cancelEnd = undefined;
    engine.growBy(RESTING_PERCENT);
    engine.collect();
  }

  return {
    waiting(count) {
      if (count === 0) {
        if (cancelLook) cancelEnd ??= clock.after(QUIET_MS, end);
        return;
      }
      cancelEnd?.();
      cancelEnd = undefined;
      if (!cancelLook && count >= BURST) look();
    },
  };
}
