/** Bounds how many calls are served at one time, so that slow ones can't fill the memory or take every place. */
export interface Slots {
  /**
   * @param count messages in the request.
   * @returns how to give the places back, or undefined when there are not as many.
   */
  take(caller: string, count: number): (() => void) | undefined;
}

/**
 * @param total places for all callers; a call under way takes about 30 KiB of a 48 MiB heap.
 * @param each places for one caller; more than the largest batch (100).
 */
export function createSlots(total = 256, each = 128): Slots {
  const taken = new Map<string, number>();
  let all = 0;
  function add(caller: string, count: number): void {
    const own = (taken.get(caller) ?? 0) + count;
    all += count;
    if (own === 0) taken.delete(caller);
    else taken.set(caller, own);
  }
  return {
    take(caller, count) {
      if (all + count > total || (taken.get(caller) ?? 0) + count > each) return undefined;
      add(caller, count);
      return () => {
        add(caller, -count);
      };
    },
  };
}
