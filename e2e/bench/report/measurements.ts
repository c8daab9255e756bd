import type { FirstList, MemoryRun, Place, RealKcp, Results, Run, Start } from '../results.ts';

/** A part of the page and the result that it comes from: the newest one that has it. */
export interface Section<T> {
  value: T;
  from: Results;
}

/** The newest measurement of each part, out of one result or several. */
export interface Measurements {
  /** The newest result of all. */
  newest: Results;
  runs: Partial<Record<Place, Section<Run[]>>>;
  firstLists: Partial<Record<Place, Section<FirstList[]>>>;
  starts?: Section<Start[]>;
  memory?: Section<MemoryRun>;
  real?: Section<RealKcp>;
}

/** @throws without any result */
export function measurements(results: readonly Results[]): Measurements {
  const byAge = results.toSorted((a, b) => (a.date < b.date ? 1 : -1));
  const [newest] = byAge;
  if (!newest) throw new Error('no results');
  const find = <T>(pick: (result: Results) => T | undefined): Section<T> | undefined => {
    for (const from of byAge) {
      const value = pick(from);
      if (value !== undefined) return { value, from };
    }
    return undefined;
  };
  const some = <T>(items: T[]): T[] | undefined => (items.length === 0 ? undefined : items);
  const at = <T extends { place: Place }>(place: Place, pick: (result: Results) => T[]): Section<T[]> | undefined =>
    find((result) => some(pick(result).filter((item) => item.place === place)));
  return withoutUndefined({
    newest,
    runs: withoutUndefined({ synthetic: at('synthetic', (r) => r.runs), real: at('real', (r) => r.runs) }),
    firstLists: withoutUndefined({
      synthetic: at('synthetic', (r) => r.firstLists),
      real: at('real', (r) => r.firstLists),
    }),
    starts: find((result) => some(result.starts)),
    memory: find((result) => result.memory),
    real: find((result) => result.real),
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: NonNullable<T[K]>;
};

function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
