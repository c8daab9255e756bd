import { mayEnter } from './access.ts';
import type { KcpClient } from './client.ts';
import { CancelledError, KcpStatusError } from './errors.ts';
import { homeWorkspace, userNameAt } from './home.ts';
import { CONCURRENCY, MAX_WORKSPACES, beginSurvey } from './survey.ts';
import type { SurveyOptions } from './survey.ts';
import { address, comparePaths } from './workspace.ts';
import type { Gap, Walk, Workspace } from './workspace.ts';

/**
 * Asks about each workspace of the index, with the caller's token, whether the caller may enter it; and about the caller's
 * home workspace. Finds also what lies below a workspace that the caller may not list.
 *
 * Nothing tells the name of a workspace that kcp didn't open to this caller: not `visible`, which is empty, nor a gap,
 * whatever kcp said, nor a type. Only the path of one that is open holds the names of those above it: it is its address.
 *
 * @param indexed all workspaces there are, in the order of the tree.
 * @throws {KcpError} when the start itself gives no answer (but for 403), or kcp rejects the token anywhere.
 */
export async function probeIndexed(
  kcp: KcpClient,
  indexed: readonly Workspace[],
  options: SurveyOptions,
): Promise<Walk> {
  const { root, earlier } = options;
  const survey = beginSurvey(kcp, options);
  const { asker } = survey;
  const all = candidates(indexed, root);
  const asked = all.slice(0, MAX_WORKSPACES);
  const open = new Set<Workspace>();
  /** Why there is no answer about some, and whether there may be one soon. */
  const reasons = new Map<string, boolean>();
  let user = earlier?.user;

  async function ask(workspace: Workspace): Promise<void> {
    try {
      if (await survey.ask(root, () => mayEnter(kcp, address(workspace), asker))) open.add(workspace);
    } catch (error) {
      if (isAt(workspace, root)) throw survey.final(error);
      const { reason, transient } = survey.why(error, workspace);
      // Gone, or not there yet: nobody's.
      if (error instanceof KcpStatusError && error.status === 404) return;
      // What kcp says may name the workspace.
      note(error instanceof KcpStatusError ? `kcp answered ${error.status}` : reason, transient);
    }
  }

  function note(reason: string, transient: boolean): void {
    reasons.set(reason, transient || reasons.get(reason) === true);
  }

  /** The caller's home, unless the index has it: it does where there are workspaces below. */
  async function askHome(): Promise<Workspace | undefined> {
    try {
      user ??= await survey.ask(root, () => userNameAt(kcp, root, asker));
    } catch (error) {
      const { reason, transient } = survey.why(error);
      note(error instanceof CancelledError ? reason : `no name of the caller's, so no home: ${reason}`, transient);
    }
    const home = user === undefined ? undefined : homeWorkspace(user);
    if (home !== undefined && !asked.some(({ path }) => path === home.path)) await ask(home);
    return home;
  }

  async function askAll(): Promise<void> {
    const queue = asked.values();
    const worker = async () => {
      for (const workspace of queue) await ask(workspace);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }

  try {
    const [home] = await Promise.all([askHome(), askAll()]);
    const found = asked.filter((workspace) => open.has(workspace));
    const told = names(found);
    const enterable = found.map((workspace) => (workspace.path === home?.path ? home : withoutNames(workspace, told)));
    if (home !== undefined && open.has(home)) {
      const after = enterable.findIndex(({ path }) => comparePaths(path, home.path) > 0);
      enterable.splice(after === -1 ? enterable.length : after, 0, home);
    }
    return { root, enterable, visible: [], gaps: gapsOf(root, reasons, all.length > asked.length), user };
  } finally {
    survey.end();
  }
}

/** Paths that are told with the paths of these: their own, and those of what is above them. */
function names(workspaces: readonly Workspace[]): Set<string> {
  const told = new Set(['root']);
  for (const { path } of workspaces) {
    for (let end = path.length; end !== -1 && !told.has(path.slice(0, end)); end = path.lastIndexOf(':', end - 1)) {
      told.add(path.slice(0, end));
    }
  }
  return told;
}

/** A type is named with the workspace that defines it, which the caller may not know of: then without. */
function withoutNames(workspace: Workspace, told: ReadonlySet<string>): Workspace {
  const { type } = workspace;
  const colon = type?.lastIndexOf(':') ?? -1;
  if (type === undefined || colon === -1 || told.has(type.slice(0, colon))) return workspace;
  return { ...workspace, type: type.slice(colon + 1) };
}

/** The start and what is below it; at the root, home workspaces of others as well: whoever was let in finds them. */
function candidates(indexed: readonly Workspace[], root: string): readonly Workspace[] {
  if (root === 'root') return indexed;
  const start = indexed.find((workspace) => isAt(workspace, root));
  if (start === undefined) return [{ path: root, name: root, cluster: undefined, type: undefined, phase: undefined }];
  return [start, ...indexed.filter(({ path }) => path.startsWith(`${start.path}:`))];
}

function isAt({ path, cluster }: Workspace, root: string): boolean {
  return path === root || cluster === root;
}

function gapsOf(root: string, reasons: ReadonlyMap<string, boolean>, cut: boolean): Gap[] {
  const gaps: Gap[] = [];
  if (reasons.size > 0) {
    const why = [...reasons.keys()].sort().join('; ');
    const reason = `could not find out of some workspaces whether they may be entered: ${why}`;
    gaps.push({ workspace: root, reason, transient: [...reasons.values()].includes(true) });
  }
  if (cut) {
    const reason = `there are more workspaces than were asked about (${MAX_WORKSPACES})`;
    gaps.push({ workspace: root, reason, transient: false });
  }
  return gaps;
}
