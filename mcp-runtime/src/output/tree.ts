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

function key(path: readonly string[]): string {
  return path.join(':');
}
