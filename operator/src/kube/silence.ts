import type { Clock } from './clock.ts';

/** Calls back when nothing was heard for too long. */
export interface SilenceGuard {
  heard: () => void;
  /** Whether it called back. */
  detected: () => boolean;
  dispose: () => void;
}

/** The first sound must come within `firstMs`, each further one within `thenMs`. One timer, however much is heard. */
export function guardSilence(clock: Clock, firstMs: number, thenMs: number, onSilence: () => void): SilenceGuard {
  let until = clock.monotonic() + firstMs;
  let detected = false;
  let cancel: () => void;
  const check = (): void => {
    const left = until - clock.monotonic();
    if (left > 0) {
      cancel = clock.after(left, check);
    } else {
      detected = true;
      onSilence();
    }
  };
  cancel = clock.after(firstMs, check);
  return {
    heard: () => {
      until = clock.monotonic() + thenMs;
    },
    detected: () => detected,
    dispose: () => {
      cancel();
    },
  };
}
