import { address } from './workspace.ts';
import type { Walk, Workspace } from './workspace.ts';

/** How many of a group of workspaces turned out open. */
export interface Tally {
  open: number;
  closed: number;
}

/**
 * From which share of open ones on a list is the better first question: on a real kcp it costs one and a half times what
 * `/version` does, and is in vain where the workspace is closed.
 */
const LIKELY = 0.6;

/** What a walk expects of a workspace before it asks. */
export interface Likelihood {
  /** Whether it will more likely open, so that a list does for it. */
  listFirst(workspace: Workspace, siblings: Tally, depth: number): boolean;
  /** Whether it was open in the earlier walk. */
  wasOpen(workspace: Workspace): boolean;
  note(open: boolean, siblings: Tally, depth: number): void;
}

/**
 * Judges by the earlier walk where that knows the workspace, else by its siblings, else by its generation; a first one is
 * expected to open.
 */
export function likelihood(earlier: Walk | undefined): Likelihood {
  const keys = (workspaces: readonly Workspace[] = []) => new Set(workspaces.map(address));
  const opened = keys(earlier?.enterable);
  const closed = keys(earlier?.visible);
  const generations: Tally[] = [];
  const generation = (depth: number) => (generations[depth] ??= { open: 0, closed: 0 });

  return {
    listFirst(workspace, siblings, depth) {
      if (workspace.mounted === true) return false;
      const key = address(workspace);
      if (opened.has(key)) return true;
      if (closed.has(key)) return false;
      const { open, closed: shut } = siblings.open + siblings.closed > 0 ? siblings : generation(depth);
      return open * (1 - LIKELY) >= shut * LIKELY;
    },
    wasOpen: (workspace) => opened.has(address(workspace)),
    note(open, siblings, depth) {
      for (const tally of [siblings, generation(depth)]) tally[open ? 'open' : 'closed'] += 1;
    },
  };
}
