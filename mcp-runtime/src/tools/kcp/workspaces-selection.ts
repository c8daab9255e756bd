import { findWorkspace } from '../../kcp/inventory.ts';
import type { CallerWorkspaces } from '../../kcp/inventory.ts';
import { comparePaths, isWithin } from '../../kcp/workspace.ts';
import type { Workspace } from '../../kcp/workspace.ts';
import { parseWorkspace } from '../../kcp/paths.ts';
import { shorten } from '../../output/text.ts';
import { firstNotBefore } from '../../output/tree.ts';
import { ToolError } from '../tool.ts';

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

/**
 * A continue token is the last path that was shown: the order is the same in a newer inventory, whatever has come or gone.
 * @throws {ToolError} for a path in no tree of the caller: it comes from no answer, and would lead back to the beginning.
 */
export function checkContinue(token: string, { root, enterable }: CallerWorkspaces): void {
  const top = parseWorkspace(token).split(':', 1)[0];
  const fits = (path: string) => path.split(':', 1)[0] === top;
  if (fits(root) || enterable.some(({ path }) => fits(path))) return;
  throw new ToolError(
    `continue: ${JSON.stringify(shorten(token, 100))} is not from an earlier answer; leave it out to begin at the start.`,
    'invalid',
  );
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
