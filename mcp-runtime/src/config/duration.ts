const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
// µ as an escape: a single character that isn't ASCII makes V8 keep the whole bundle's source in two bytes each.
const WHOLE = /^(\d+(\.\d+)?(ns|us|\u00b5s|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/g;

/**
 * Parses a Go duration (`30s`, `1m30s`, `500ms`), the form that the upstream server's TOML uses.
 *
 * @returns milliseconds, or undefined when the text isn't a non-negative Go duration.
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * (MILLISECONDS[unit ?? ''] ?? 0);
  return total;
}
