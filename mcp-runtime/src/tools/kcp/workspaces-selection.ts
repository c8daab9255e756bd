import { findWorkspace } from '../../kcp/inventory.ts';
import type { CallerWorkspaces } from '../../kcp/inventory.ts';
import { comparePaths, isWithin } from '../../kcp/workspace.ts';
import type { Workspace } from '../../kcp/workspace.ts';
import { firstNotBefore } from '../../output/tree.ts';

/** Which of a caller's workspaces are asked for. */
export interface Filters {
  /** Path or id of the one at the top. */
  readonly prefix?: string | undefined;
  /** Most levels below `prefix`, or below where the search began. */
  readonly depth?: number | undefined;
  /** `universal`, or `root:universal`. */
  readonly type?: string | undefined;
  readonly phase?: string | undefined;
}

/** The part of what a caller has that is asked for. Without filters it is all of it, and nothing is copied. */
export function select(found: CallerWorkspaces, { prefix, depth, type, phase }: Filters): CallerWorkspaces {
  const top = prefix === undefined ? undefined : (findWorkspace(found.enterable, prefix)?.path ?? prefix);
  const below = (path: string) => top === undefined || isWithin(path, top);
  const tests: ((workspace: Workspace) => boolean)[] = [];
  if (top !== undefined) tests.push(({ path }) => below(path));
  if (depth !== undefined) tests.push(({ path }) => levels(path, top ?? topOf(path, found.root)) <= depth);
  if (type !== undefined) tests.push((each) => each.type === type || each.type?.split(':').at(-1) === type);
  if (phase !== undefined) tests.push((each) => each.phase === phase);
  if (tests.length === 0) return found;
  const fits = (each: Workspace) => tests.every((test) => test(each));
  return {
    ...found,
    enterable: found.enterable.filter(fits),
    visible: found.visible.filter(fits),
    gaps: found.gaps.filter((gap) => below(gap.workspace)),
  };
}

/** Home workspaces lie in no tree: each is the top of what is in it. */
function topOf(path: string, root: string): string {
  return isWithin(path, root) ? root : (path.split(':')[0] ?? path);
}

function levels(path: string, top: string): number {
  return path.slice(top.length).split(':').length - 1;
}

/** Index of the first workspace after the one with that path, which need not be there any more. */
export function startAfter(workspaces: readonly Workspace[], last: string): number {
  const at = firstNotBefore(workspaces, last);
  const next = workspaces[at];
  return next !== undefined && comparePaths(next.path, last) === 0 ? at + 1 : at;
}

/** Visible ones that kcp said no to, without those that it gave no answer for. */
export function closedOf({ visible, gaps }: CallerWorkspaces): CallerWorkspaces['visible'] {
  const unknown = new Set(gaps.map((gap) => gap.workspace));
  return visible.filter(({ path }) => !unknown.has(path));
}
