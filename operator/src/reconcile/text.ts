/**
 * Texts of others (API server, cert-manager, kcp-operator, files of users) on their way into conditions, events and
 * logs: people read those in terminals, so nothing in them may move the cursor, reorder the line or fill the screen.
 */

/** Control, format (bidi overrides, zero width), surrogate, private-use and line-separator characters. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]+/gu;

/**
 * One line of at most `max` characters, free of characters that don't print.
 * @param text anything; undefined gives ''
 */
export function oneLine(text: string | undefined, max = 512): string {
  const line = (text ?? '').replace(UNSAFE, ' ').replace(/ {2,}/g, ' ').trim();
  if (line.length <= max) return line;
  // Half of a character would come back from the API server as another one, and differ from ours for ever.
  return `${line
    .slice(0, max - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`;
}
