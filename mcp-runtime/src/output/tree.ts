import { comparePaths, isWithin } from '../kcp/workspace.ts';

/** What hangs in a tree: a path of names, joined by ":". */
interface Node {
  readonly path: string;
}

/**
 * The branches of a tree, from node `start` until before node `end`: `│  └─ name`. Costs what is drawn, not what the tree has.
 *
 * Where nodes are missing, one hangs below the nearest one above it that is there, by all names from there on.
 * @param nodes ordered by {@link comparePaths}: each after those above it.
 */
export function drawBranches(nodes: readonly Node[], start: number, end: number): string[] {
  const at = (index: number) => nodes[index]?.path ?? '';

  /** The nearest node above. */
  function above(index: number): number | undefined {
    const path = at(index);
    for (let colon = path.lastIndexOf(':'); colon !== -1; colon = path.lastIndexOf(':', colon - 1)) {
      const candidate = path.slice(0, colon);
      const found = firstNotBefore(nodes, candidate);
      if (at(found) === candidate) return found;
    }
    return undefined;
  }

  /** Whether another one follows below the same node. */
  function hasNext(index: number, parent: number): boolean {
    const next = firstPast(nodes, (path) => isWithin(path, at(index)), index);
    return next < nodes.length && isWithin(at(next), at(parent));
  }

  /** What stands before what hangs below a node. */
  const stems = new Map<number, string>();
  function stemBelow(index: number): string {
    const known = stems.get(index);
    if (known !== undefined) return known;
    const parent = above(index);
    const stem = parent === undefined ? '' : stemBelow(parent) + (hasNext(index, parent) ? '│  ' : '   ');
    stems.set(index, stem);
    return stem;
  }

  const lines: string[] = [];
  for (let index = start; index < Math.min(end, nodes.length); index += 1) {
    const parent = above(index);
    const name = parent === undefined ? at(index) : at(index).slice(at(parent).length + 1);
    const branch = parent === undefined ? '' : stemBelow(parent) + (hasNext(index, parent) ? '├─ ' : '└─ ');
    lines.push(branch + name);
  }
  return lines;
}

/** Index of the first node that doesn't come before the path. */
export function firstNotBefore(nodes: readonly Node[], path: string): number {
  return firstPast(nodes, (each) => comparePaths(each, path) < 0);
}

/** Index of the first node that `holds` no longer for; it does for those before. */
function firstPast(nodes: readonly Node[], holds: (path: string) => boolean, from = 0): number {
  let [low, high] = [from, nodes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(nodes[middle]?.path ?? '')) low = middle + 1;
    else high = middle;
  }
  return low;
}
