/** Texts that many objects hold, kept once: of a thousand KcpMcpServers and their children most say the same. */

/** Longer ones are seldom said twice. */
const MAX_LENGTH = 512;
/** Beyond that it begins anew; what is stored keeps what it has. */
const MAX_TEXTS = 20_000;

const texts = new Map<string, string>();

/**
 * Replaces texts in `json` by equal ones that are known already. Nothing else of it changes. For what few tell apart, as each text
 * that is new costs; and not for what may be of secrets.
 *
 * @param skipped members that are left as they are
 */
export function intern<T extends object>(json: T, skipped: ReadonlySet<string> = none): T {
  const members = json as Record<string, unknown>;
  for (const name in members) {
    if (skipped.has(name)) continue;
    const member = members[name];
    if (typeof member === 'string') members[name] = once(member);
    else if (member !== null && typeof member === 'object') intern(member, skipped);
  }
  return json;
}

const none: ReadonlySet<string> = new Set();

/** The first text that was equal to `text`. */
export function once(text: string): string {
  const found = texts.get(text);
  if (found !== undefined) return found;
  if (text.length > MAX_LENGTH) return text;
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(text, text);
  return text;
}
