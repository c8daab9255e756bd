/** The names that come near to what was written, nearest first: those that contain it, and those with few letters different. */
export function near(wanted: string, names: readonly string[], max: number): string[] {
  const lower = wanted.toLowerCase().slice(0, 100);
  return names
    .map((name) => ({ name, distance: distance(lower, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, max)
    .map(({ name }) => name);
}

/** Levenshtein distance; 1 where what was written is a part of the name, and long enough to mean it. */
function distance(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length > 3 && b.includes(a)) return 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
