/**
 * Most text of one answer, in bytes. About 16,000 tokens: assistants cut what is much longer on their own, and
 * without saying where.
 */
export const MAX_TEXT_BYTES = 64 * 1024;

/** Room in it for what follows a list: how it was cut and how to go on. */
export const NOTE_BYTES = 4 * 1024;

/** How many of the lines fit into `maxBytes`. */
export function howManyFit(lines: readonly string[], maxBytes: number): number {
  let left = maxBytes + 1;
  for (const [index, line] of lines.entries()) {
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) return index;
  }
  return lines.length;
}

/** The text, cut at the end of a line where it is longer than `maxBytes`, and then saying so. */
export function limitBytes(text: string, maxBytes = MAX_TEXT_BYTES): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= maxBytes) return text;
  const room = Math.max(0, maxBytes - 128);
  const newline = bytes.lastIndexOf(0x0a, room);
  // A line longer than half the room is cut inside; the decoder drops a character that the cut goes through.
  const end = newline > room / 2 ? newline : room;
  const kept = new TextDecoder('utf-8').decode(bytes.subarray(0, end), { stream: true });
  return `${kept}\n[cut: only the first ${kib(end)} are shown]`;
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}
