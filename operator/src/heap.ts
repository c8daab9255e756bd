/**
 * How V8's heap grows: little by little, as memory counts most of the time; by large steps while many KcpMcpServers wait, as
 * collecting garbage would be a third of the work; and what that took goes back when they are done. See docs/adr/0025.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { systemClock } from './kube/index.ts';
import type { Clock } from './kube/index.ts';

/** So many that wait are a burst. */
const MANY = 5;
/** A step of the heap during a burst, in bytes. */
const STEP = 24e6;
/** A step before the first burst, in percent of what the heap holds; the least of a burst, too. */
const LITTLE = 25;
/** The same after a burst: at rest it takes minutes to fill. */
const LEAST = 10;
/** The larger the heap, the fewer percent a step is: looked at so often. */
const LOOK_MS = 300;
/** A burst is over when nobody has waited for so long. */
const QUIET_MS = 1_000;

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
const v8: Engine = {
  used: () => getHeapStatistics().used_heap_size,
  growBy(percent) {
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  },
  collect() {
    globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
  },
};

/** Has V8 give memory back early. On the command line this would also set the young generation's size. */
export function frugal(): void {
  setFlagsFromString('--optimize-for-size');
}

export function createHeap({ engine = v8, clock = systemClock }: { engine?: Engine; clock?: Clock } = {}): Heap {
  let isBurst = false;
  let cancelLook: (() => void) | undefined;
  let cancelEnd: (() => void) | undefined;
  engine.growBy(LITTLE);

  function look(): void {
    engine.growBy(Math.max(LITTLE, Math.round((100 * STEP) / engine.used())));
    cancelLook = clock.after(LOOK_MS, look);
  }

  function end(): void {
    isBurst = false;
    cancelEnd = undefined;
    cancelLook?.();
    engine.growBy(LEAST);
    engine.collect();
  }

  return {
    waiting(count) {
      if (count > 0) {
        cancelEnd?.();
        cancelEnd = undefined;
      }
      if (!isBurst && count >= MANY) {
        isBurst = true;
        look();
      }
      if (isBurst && count === 0) cancelEnd ??= clock.after(QUIET_MS, end);
    },
  };
}
