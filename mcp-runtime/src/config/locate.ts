import { parse } from 'smol-toml';

/**
 * Finds the line on which a key of a TOML file stands. smol-toml reports positions for syntax errors only; what is wrong with a
 * *value* is found after parsing, and whoever has to mend the file still wants a line number.
 *
 * Works on text that parses as TOML; on other text the answer may be wrong but never throws.
 */
export type KeyPath = readonly (string | number)[];

interface Entry {
  readonly path: KeyPath;
  readonly line: number;
}

const BARE_KEY = /[A-Za-z0-9_-]/;

/** What a key in quotes says. */
function keyText(quoted: string): string {
  const written = quoted.slice(1, -1);
  if (!quoted.startsWith('"') || !written.includes('\\')) return written;
  try {
    const { key } = parse(`key = ${quoted}`);
    return typeof key === 'string' ? key : written;
  } catch {
    return written;
  }
}

/** Reads `a."b c".d` at `from`; returns the parts and where they end. */
function readKey(text: string, from: number): { parts: string[]; end: number } {
  const parts: string[] = [];
  let at = from;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    const quote = text[at];
    let start = at;
    if (quote === '"' || quote === "'") {
      start = ++at;
      while (at < text.length && text[at] !== quote && text[at] !== '\n')
        at += text[at] === '\\' && quote === '"' ? 2 : 1;
      parts.push(keyText(text.slice(start - 1, ++at)));
    } else {
      while (at < text.length && BARE_KEY.test(text[at] ?? '')) at++;
      parts.push(text.slice(start, at));
    }
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (text[at] !== '.') return { parts, end: at };
    at++;
  }
}

/** Returns the position after the string that starts at `from` (TOML v1.0.0, "String"). */
function skipString(text: string, from: number): number {
  const quote = text[from] ?? '';
  const escapes = quote === '"';
  const triple = text.startsWith(quote.repeat(3), from);
  let at = from + (triple ? 3 : 1);
  while (at < text.length) {
    if (escapes && text[at] === '\\') at += 2;
    else if (triple && text.startsWith(quote.repeat(3), at)) {
      at += 3;
      while (text[at] === quote) at++;
      return at;
    } else if (!triple && (text[at] === quote || text[at] === '\n')) return at + 1;
    else at++;
  }
  return at;
}

/** Returns the position after the value (which may span lines) and its comment. */
function skipValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text[at];
    if (char === '"' || char === "'") {
      at = skipString(text, at);
      continue;
    }
    if (char === '#') {
      while (at < text.length && text[at] !== '\n') at++;
      continue;
    }
    if (char === '[' || char === '{') depth++;
    if (char === ']' || char === '}') depth--;
    if (char === '\n' && depth <= 0) return at;
    at++;
  }
  return at;
}

/** Arrays of tables, `[[a.b]]`: how many there were of each. A name in a header means the last one (TOML v1.0.0, "Array of Tables"). */
class TableArrays {
  readonly #counts = new Map<string, number>();

  /** The path of what `[parts]` or `[[parts]]` begins. */
  pathOf(parts: readonly string[], isArray: boolean): KeyPath {
    const path: (string | number)[] = [];
    for (const [index, part] of parts.entries()) {
      path.push(part);
      const name = JSON.stringify(path);
      if (isArray && index === parts.length - 1) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      const count = this.#counts.get(name);
      if (count !== undefined) path.push(count - 1);
    }
    return path;
  }
}

function* entries(text: string): Generator<Entry> {
  const arrays = new TableArrays();
  let table: KeyPath = [];
  let line = 1;
  let at = 0;
  const advance = (to: number) => {
    for (; at < to && at < text.length; at++) if (text[at] === '\n') line++;
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    if (/\s/.test(char)) advance(at + 1);
    else if (char === '#') advance(skipValue(text, at));
    else if (char === '[') {
      const isArray = text[at + 1] === '[';
      const { parts, end } = readKey(text, at + (isArray ? 2 : 1));
      table = arrays.pathOf(parts, isArray);
      yield { path: table, line };
      advance(skipValue(text, end + (isArray ? 2 : 1)));
    } else {
      const { parts, end } = readKey(text, at);
      yield { path: [...table, ...parts], line };
      advance(Math.max(skipValue(text, end), at + 1));
    }
  }
}

const startsWith = (path: KeyPath, prefix: KeyPath) => prefix.every((part, index) => path[index] === part);

/**
 * @returns the line (from 1) of the key at `path`, of the nearest thing above it that the file names, or undefined when the
 * file names nothing of it.
 */
export function locate(text: string, path: KeyPath): number | undefined {
  let best: Entry | undefined;
  for (const entry of entries(text)) {
    if (startsWith(entry.path, path)) return entry.line;
    if (startsWith(path, entry.path) && entry.path.length > (best?.path.length ?? 0)) best = entry;
  }
  return best?.line;
}
