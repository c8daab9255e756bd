/** What an object that is applied consists of, as a hash. */
import { hash } from 'node:crypto';
import type { KubeObject } from './types.ts';

/** A copy without undefined and null members, that carries the hash of itself. */
export function withHash<T extends KubeObject>(desired: T, hashAnnotation: string): T {
  const wanted = withoutNothing(desired);
  const annotations = { ...wanted.metadata.annotations, [hashAnnotation]: digest(wanted) };
  return { ...wanted, metadata: { ...wanted.metadata, annotations } };
}

/**
 * A copy with its members in order. JSON has no undefined, and in server-side apply null is a value of its own that nobody here
 * means.
 */
export function withoutNothing<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNothing) as T;
  if (value === null || typeof value !== 'object') return value;
  const members = value as Record<string, unknown>;
  const names = sorted(Object.keys(members));
  // Where a name could be taken for the prototype there is none.
  const copy = (names.includes('__proto__') ? Object.create(null) : {}) as Record<string, unknown>;
  for (const name of names) {
    const member = members[name];
    if (member !== undefined && member !== null) copy[name] = withoutNothing(member);
  }
  return copy as T;
}

/** Of JSON, whatever the order of its members. */
export const hashOf = (value: unknown): string => digest(withoutNothing(value));

/** The same of what {@link withoutNothing} has put in order. */
export const digest = (inOrder: unknown): string =>
  hash('sha256', JSON.stringify(inOrder), 'buffer').toString('hex', 0, 16);

/** Beyond so many names the built-in sort, which copies, is quicker than moving them one by one. */
const FEW = 16;

function sorted(names: string[]): string[] {
  if (names.length > FEW) return names.sort();
  for (let end = 1; end < names.length; end++) {
    const name = names[end] ?? '';
    let at = end;
    for (let before = names[at - 1]; before !== undefined && before > name; before = names[at - 1])
      names[at--] = before;
    names[at] = name;
  }
  return names;
}
