/** Parts of objects that many hold, kept once: of a thousand KcpMcpServers and their children most say the same. */

/** Longer ones are seldom said twice. */
const MAX_TEXT_LENGTH = 512;
/** Beyond that it begins anew; what is stored keeps what it has. */
const MAX_TEXTS = 2_000;
const texts = new Map<string, string>();

/** The first text that was equal to `text`. For those of which there are few: looking one up costs more, the more there are. */
export function once(text: string): string {
  const known = texts.get(text);
  if (known !== undefined || text.length > MAX_TEXT_LENGTH) return known ?? text;
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(text, text);
  return text;
}

/** Changes `object`, where there is one, so that these texts of it are kept {@link once}. */
export function textsOnce(object: object | null, names: readonly string[]): void {
  const members = (object ?? {}) as Record<string, unknown>;
  for (const name of names) {
    const member = members[name];
    if (typeof member === 'string') members[name] = once(member);
  }
}

/** Of one part as JSON, and of all together: whoever writes specs, or labels, decides what is in them. They stay when their objects go. */
const MAX_PART_LENGTH = 8_192;
const MAX_PARTS_LENGTH = 1_000_000;
/** What a part takes beside its text, in characters. */
const PART_OVERHEAD = 200;
const parts = new Map<string, unknown>();
let partsLength = 0;

/** The first part that was equal to `part`, unless it is large. */
export function shared<T>(part: T): T {
  const text = JSON.stringify(part);
  const known = parts.get(text);
  if (known !== undefined) return known as T;
  if (text.length > MAX_PART_LENGTH) return part;
  const length = text.length + PART_OVERHEAD;
  partsLength += length;
  if (partsLength > MAX_PARTS_LENGTH) {
    parts.clear();
    partsLength = length;
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
