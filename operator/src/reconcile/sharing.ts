/** Objects of a kind say much the same: what one says like the one before it, both hold once. */
import type { KubeObject } from '../kube/index.ts';

/** Beside what no two objects have in common, what may be of secrets: tools keep whole manifests in annotations. */
const APART = new Set(['resourceVersion', 'annotations']);

/** `slim`, of which parts that are equal to those of the object before are the same parts. Never change what is kept. */
export function sharing<T extends KubeObject>(slim: (object: T) => T): (object: T) => T {
  let before: T | undefined;
  return (object) => {
    const kept = shared(slim(object), before) as T;
    const { annotations: _, ...metadata } = kept.metadata;
    before = { ...kept, metadata };
    return kept;
  };
}

/** `like`, where `value`, which must be JSON, is equal to it; otherwise `value`, with parts of `like` where those are equal. */
function shared(value: unknown, like: unknown): unknown {
  if (value === like) return like;
  if (value === null || like === null || typeof value !== 'object' || typeof like !== 'object') return value;
  const members = value as Record<string, unknown>;
  const others = like as Record<string, unknown>;
  let isSame = Array.isArray(value) === Array.isArray(like);
  for (const name in members) {
    if (APART.has(name)) {
      isSame = false;
      continue;
    }
    const other = Object.hasOwn(others, name) ? others[name] : undefined;
    const member = shared(members[name], other);
    if (member !== other) isSame = false;
    // The same text, in one place of memory.
    members[name] = member;
  }
  if (isSame) for (const name in others) if (!Object.hasOwn(members, name)) return value;
  return isSame ? like : value;
}
