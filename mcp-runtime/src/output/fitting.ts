import { stripInvisible } from './text.ts';

/**
 * A copy of the beginning of a value, its strings and keys without invisible characters. It is whole where its text, however
 * it is written, has at most `bytes`; where something is left out, the text of the copy has at least that many.
 */
export function fitting(value: unknown, bytes: number): unknown {
  let left = bytes;

  function copy(part: unknown): unknown {
    if (typeof part === 'string') return take(part);
    if (typeof part !== 'object' || part === null) return part;
    // What is taken off is never more than what will be written: a separator for each item, and its key.
    if (Array.isArray(part)) {
      const items: unknown[] = [];
      for (const item of part) {
        if (--left <= 0) break;
        items.push(copy(item));
      }
      return items;
    }
    const fields: [string, unknown][] = [];
    for (const [key, field] of Object.entries(part)) {
      if (--left <= 0) break;
      fields.push([take(key), copy(field)]);
    }
    return Object.fromEntries(fields);
  }

  function take(text: string): string {
    const shown = stripInvisible(text).slice(0, Math.max(0, left));
    left -= shown.length;
    return shown;
  }

  return copy(value);
}
