/** How much structure a JSON text may have: parsed, each value takes ten times its bytes and more. */
export interface JsonBounds {
  readonly maxValues: number;
  readonly maxDepth: number;
}

/** Counts what JSON.parse would make of a text, without making it. */
export function isTooComplex(text: string, { maxValues, maxDepth }: JsonBounds): boolean {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '[' || char === '{') {
      values++;
      if (++depth > maxDepth) return true;
    } else if (char === ']' || char === '}') depth--;
    else if (char === ',' && ++values > maxValues) return true;
  }
  return values > maxValues;
}

/** The position of the quote that ends the string begun at `from`. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
