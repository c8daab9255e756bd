import type { CallToolResult } from '@modelcontextprotocol/server';
import { isObject } from '../kcp/json.ts';
import type { JsonObject } from '../kcp/json.ts';
import { limitBytes } from './limit.ts';

// Control characters (but tab and newline), format characters (bidi, zero-width, tags), private use, lone surrogates and what
// Unicode has fonts show nothing for (fillers, joiners, variation selectors): text in other people's objects uses them to hide
// or reorder what a person or a model reads.
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const NOT_ASCII = /[^\t\n -~]/;

/** The text without control, bidi and invisible characters. Tab and newline stay. */
export function stripInvisible(text: string): string {
  // Nearly all text is plain ASCII, which takes a tenth of the time to see.
  return NOT_ASCII.test(text) ? text.replace(INVISIBLE, '') : text;
}

/** The text on one line, one space between words: for cells, names and messages. */
export function oneLine(text: string): string {
  const line = stripInvisible(text.replace(/[\s\u0085]+/g, ' '));
  // What stood between two spaces is gone: left alone, they would look like the space between two columns.
  return line.replace(/ {2,}/g, ' ').trim();
}

/** The text on one line of at most `max` characters (UTF-16 code units). */
export function shorten(text: string, max: number): string {
  return cut(oneLine(text), max);
}

/** The beginning of a text, and an ellipsis where there was more than `max` characters; no half of a surrogate pair. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A copy whose strings, keys included, hold no invisible characters. */
export function stripInvisibleDeep(value: unknown): unknown {
  if (typeof value === 'string') return stripInvisible(value);
  if (Array.isArray(value)) return value.map(stripInvisibleDeep);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [stripInvisible(key), stripInvisibleDeep(field)]),
  );
}

/** The sentence with a capital at its beginning. */
export function capitalize(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** `1 workspace`, `2 workspaces`. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

/** A tool's answer. Every answer, also an error, is made here or by {@link toolError}: cleaned and bounded. */
export function toolResult(text: string, structured?: JsonObject): CallToolResult {
  return {
    content: [{ type: 'text', text: limitBytes(stripInvisible(text)) }],
    ...(structured !== undefined && { structuredContent: stripInvisibleDeep(structured) }),
  };
}

/** A tool's failure, told to the model (MCP: `isError`), so that it can do something about it. */
export function toolError(text: string): CallToolResult {
  return { ...toolResult(text), isError: true };
}
