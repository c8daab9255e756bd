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

const digest = (inOrder: unknown): string => hash('sha256', JSON.stringify(inOrder), 'buffer').toString('hex', 0, 16);

/** Most names are in order: then nothing is copied. */
function sorted(names: string[]): string[] {
  const isSorted = names.every((name, index) => index === 0 || (names[index - 1] ?? '') <= name);
  return isSorted ? names : names.sort();
}
