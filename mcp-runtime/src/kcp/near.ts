/** Beyond any name there is: longer ones are not compared. */
const MAX_LENGTH = 512;
/** Names that are compared: whoever may make kinds or workspaces decides how many there are, and everybody waits for it. */
const MAX_NAMES = 1_000;

/**
 * The names that come near to what was written, nearest first: those that contain it, and those with few letters different.
 * A suggestion: of very many names only the first are looked at.
 */
export function near(wanted: string, names: readonly string[], max: number): string[] {
  if (wanted.length > MAX_LENGTH) return [];
  const lower = wanted.toLowerCase().slice(0, 100);
  return names
    .slice(0, MAX_NAMES)
    .filter((name) => name.length <= MAX_LENGTH)
    .map((name) => ({ name, distance: distance(lower, name.toLowerCase(), Math.max(2, Math.floor(name.length / 3))) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, max)
    .map(({ name }) => name);
}

/** Levenshtein distance, Infinity beyond `max`; 1 where what was written is a part of the name, and long enough to mean it. */
function distance(a: string, b: string, max: number): number {
  if (a === b) return 0;
  if (a.length > 3 && b.includes(a)) return 1;
  if (Math.abs(a.length - b.length) > max) return Infinity;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  const found = previous[b.length] ?? 0;
  return found <= max ? found : Infinity;
}
