/** What an object that is applied consists of, as a hash. */
import { createHash } from 'node:crypto';
import type { Fields } from './fields.ts';
import type { KubeObject } from './types.ts';

/** A copy without undefined and null members, that carries the hash of itself. */
export function withHash<T extends KubeObject>(desired: T, hashAnnotation: string): T {
  const wanted = withoutNothing(desired);
  const hash = hashOf(wanted);
  return {
    ...wanted,
    metadata: { ...wanted.metadata, annotations: { ...wanted.metadata.annotations, [hashAnnotation]: hash } },
  };
}

/** JSON has no undefined, and in server-side apply null is a value of its own that nobody here means. */
export function withoutNothing<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNothing) as T;
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNothing(member as unknown)])) as T;
}

/** Of JSON, whatever the order of its members. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32);
}

/** JSON with sorted keys. By hand, since it runs for every child of every reconcile: a replacer takes four times as long. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Fields)[name])}`).join(',')}}`;
}
