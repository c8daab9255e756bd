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

/** Of one part as JSON, and of all together: whoever writes specs decides what is in them. */
const MAX_PART_LENGTH = 8_192;
const MAX_PARTS_LENGTH = 1_000_000;
const parts = new Map<string, unknown>();
let partsLength = 0;

/** The first part that was equal to `part`, unless it is large. */
function shared<T>(part: T): T {
  const text = JSON.stringify(part);
  const known = parts.get(text);
  if (known !== undefined) return known as T;
  if (text.length > MAX_PART_LENGTH) return part;
  partsLength += text.length;
  if (partsLength > MAX_PARTS_LENGTH) {
    parts.clear();
    partsLength = text.length;
  }
  parts.set(text, part);
  return part;
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

/** Labels and owner of an object, as of the first child of that owner where they are the same. */
export function siblings({ labels, ownerReferences }: Family): Family {
  const family = { ...(labels && { labels }), ...(ownerReferences && { ownerReferences }) };
  const uid = ownerReferences?.[0]?.uid;
  if (uid === undefined) return family;
  const known = families.get(uid) ?? remember(families, uid, family);
  return isDeepStrictEqual(known, family) ? known : family;
}
