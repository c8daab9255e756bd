/** Texts that many objects hold, kept once: of a thousand KcpMcpServers and their children most say the same. */

/** Longer ones are seldom said twice. */
const MAX_LENGTH = 512;
/** Beyond that it begins anew; what is stored keeps what it has. */
const MAX_TEXTS = 20_000;
/** Texts that no other object has, those that may be of secrets (tools keep whole manifests in annotations), and no texts. */
const SKIPPED = new Set(['resourceVersion', 'annotations', 'fieldsV1']);

const texts = new Map<string, string>();

/** Replaces texts in `object`, which must be JSON, by equal ones that are known already. Nothing else of it changes. Not for secrets. */
export function intern<T extends object>(object: T): T {
  const members = object as Record<string, unknown>;
  for (const name in members) {
    if (SKIPPED.has(name)) continue;
    const member = members[name];
    if (typeof member === 'string') {
      if (member.length <= MAX_LENGTH) members[name] = known(member);
    } else if (member !== null && typeof member === 'object') {
      intern(member);
    }
  }
  return object;
}

function known(text: string): string {
  const found = texts.get(text);
  if (found !== undefined) return found;
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(text, text);
  return text;
}
