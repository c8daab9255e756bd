import { renderTable } from './table.ts';

/** One line of a tree: where it hangs, and the columns beside it. */
export interface TreeRow {
  /** Names from the root down. Rows come depth first, each after its parent. */
  readonly path: readonly string[];
  readonly cells: readonly string[];
}

/** The rows as a tree with columns, one line each. */
export function renderTree(rows: readonly TreeRow[]): string[] {
  const lastChild = new Map<string, string>();
  for (const { path } of rows) lastChild.set(key(path.slice(0, -1)), key(path));
  const isLast = (path: readonly string[]) => lastChild.get(key(path.slice(0, -1))) === key(path);

  const lines = rows.map(({ path, cells }) => {
    let stem = '';
    for (let depth = 2; depth < path.length; depth += 1) stem += isLast(path.slice(0, depth)) ? '   ' : '│  ';
    const branch = path.length === 1 ? '' : isLast(path) ? '└─ ' : '├─ ';
    return [stem + branch + (path.at(-1) ?? ''), ...cells];
  });
  // Every line is content: the header that renderTable makes is not wanted.
  const columns = Array.from({ length: Math.max(0, ...lines.map((line) => line.length)) }, () => '');
  return renderTable({ columns, rows: lines }).slice(1);
}

/**
 * Where each path hangs in a tree of which some nodes are missing: below the nearest one above it that is there, by all
 * names from there on.
 * @param paths depth first, each after those above it.
 */
export function hang(paths: readonly string[]): string[][] {
  const nodes = new Map<string, string[]>();
  for (const path of paths) {
    let end = path.lastIndexOf(':');
    while (end !== -1 && !nodes.has(path.slice(0, end))) end = path.lastIndexOf(':', end - 1);
    const above = end === -1 ? [] : (nodes.get(path.slice(0, end)) ?? []);
    nodes.set(path, [...above, path.slice(end + 1)]);
  }
  return [...nodes.values()];
}

function key(path: readonly string[]): string {
  return path.join('/');
}
