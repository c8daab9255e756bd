/** Parts of objects that many hold, kept once: of a thousand KcpMcpServers and their children most say the same. */
import { isDeepStrictEqual } from 'node:util';
import type { ObjectMeta } from '../kube/index.ts';

/** Beyond that each begins anew; what is stored keeps what it has. */
const MAX = 2_000;

function remember<K, V>(known: Map<K, V>, key: K, value: V): V {
  if (known.size >= MAX) known.clear();
  known.set(key, value);
  return value;
}

const texts = new Map<string, string>();

/** The first text that was equal to `text`. For those of which there are few: looking one up costs more, the more there are. */
export function once(text: string): string {
  return texts.get(text) ?? remember(texts, text, text);
}

const parts = new Map<string, unknown>();

/** The first part that was equal to `part`. */
function shared<T>(part: T): T {
  const text = JSON.stringify(part);
  return (parts.get(text) ?? remember(parts, text, part)) as T;
}

/** Changes `fields` so that members of them which aren't texts or numbers are {@link shared}. */
export function sharedMembers<T extends object>(fields: T): T {
  const members = fields as Record<string, unknown>;
  for (const name in members) {
    const member = members[name];
    if (typeof member === 'object') members[name] = shared(member);
  }
  return fields;
}

type Family = Pick<ObjectMeta, 'labels' | 'ownerReferences'>;

/** By the owner's uid. */
const families = new Map<string, Family>();

/** Labels and owner of the first child of that owner which had the same. */
export function siblings({ labels, ownerReferences }: Family): Family {
  const family = { ...(labels && { labels }), ...(ownerReferences && { ownerReferences }) };
  const uid = ownerReferences?.[0]?.uid;
  if (uid === undefined) return family;
  const known = families.get(uid);
  return known && isDeepStrictEqual(known, family) ? known : remember(families, uid, family);
}
