import { mayEnter } from './access.ts';
import type { KcpClient } from './client.ts';
import { KcpBusyError, KcpError, KcpStatusError, KcpTooLargeError } from './errors.ts';
import { isMissingWorkspace } from './explain.ts';
import { homeWorkspace, userNameAt } from './home.ts';
import { arrayAt, stringAt } from './json.ts';
import { resourcePath } from './paths.ts';
import { CONCURRENCY, MAX_WORKSPACES, beginSurvey } from './survey.ts';
import type { SurveyOptions } from './survey.ts';
import { likelihood } from './tally.ts';
import type { Tally } from './tally.ts';
import { workOff } from './work-off.ts';
import type { WorkQueue } from './work-off.ts';
import { WORKSPACES, address, comparePaths, workspaceOf } from './workspace.ts';
import type { Gap, Walk, Workspace } from './workspace.ts';

export type { Gap, Walk, Workspace };

/** A workspace with what was found out about it. */
interface Place {
  readonly workspace: Workspace;
  open: boolean;
  readonly below: Place[];
}

interface Page {
  readonly children: readonly Workspace[];
  readonly next: string | undefined;
}

/** What was found out by one or two requests. */
interface Answer {
  readonly open: boolean;
  readonly page?: Page;
  /** Why it could not be listed. */
  readonly obstacle?: KcpError;
}

const PAGE = 500;
const LIST = { verb: 'list', kind: 'Workspace', ...WORKSPACES } as const;

/**
 * Walks the tree of workspaces with the caller's token: each one that a parent lists is asked, those that open are listed
 * in turn; the caller's home workspace, which no parent lists, is asked for by its id. It finds what can be reached through
 * parents that the caller may list, and says where it couldn't look.
 *
 * A list is a proof of access, too, so that one request does for a workspace that is open; a 403 to it may be a missing
 * right inside, so that one which is closed takes a second request. Which of the two is asked first goes by the
 * workspaces around it, or by an earlier walk.
 *
 * @throws {KcpError} when the start itself gives no answer (but for 403), or kcp rejects the token anywhere.
 */
export async function walk(kcp: KcpClient, options: SurveyOptions): Promise<Walk> {
  const { root, earlier } = options;
  const survey = beginSurvey(kcp, options);
  const { asker } = survey;
  const odds = likelihood(earlier);
  const gaps: Gap[] = [];
  const met = new Set<string>();
  const start = placeOf({ path: root, name: root, cluster: undefined, type: undefined, phase: undefined });
  const places = [start];
  let left = MAX_WORKSPACES - 1;
  let user = earlier?.user;

  async function pageOf(parent: Workspace, next?: string): Promise<Page> {
    // Version 0 is what the API server has at hand, and spares etcd a read for each workspace; it knows no pages.
    let resourceVersion = next === undefined && options.consistent !== true ? '0' : undefined;
    let limit = PAGE;
    for (;;) {
      try {
        const request = { workspace: address(parent), path: resourcePath(WORKSPACES), target: LIST, ...asker };
        const query = { limit, continue: next, resourceVersion };
        return readPage(await kcp.request({ ...request, query }), parent);
      } catch (error) {
        // A few very large objects must not hide all others.
        const large = error instanceof KcpTooLargeError || error instanceof KcpBusyError;
        if (!large || limit === 1) throw error;
        if (resourceVersion === undefined) limit = Math.ceil(limit / 4);
        resourceVersion = undefined;
      }
    }
  }

  async function list(parent: Workspace): Promise<Pick<Answer, 'page' | 'obstacle'>> {
    try {
      return { page: await pageOf(parent) };
    } catch (error) {
      if (!(error instanceof KcpError)) throw error;
      return { obstacle: error };
    }
  }

  async function enter(workspace: Workspace, listFirst: boolean): Promise<Answer> {
    const listed = listFirst ? await list(workspace) : {};
    if (listed.page !== undefined) return { open: true, ...listed };
    const open = await mayEnter(kcp, address(workspace), asker);
    return { open, ...(open && !listFirst && workspace.mounted !== true ? await list(workspace) : listed) };
  }

  /** Sees to it that all on the page are visited, and the next page is read before them. */
  function take(parent: Place, { children, next }: Page, siblings: Tally, depth: number, queue: WorkQueue): void {
    for (const child of children) {
      // An id that comes again would lead round in a circle.
      if (child.cluster !== undefined && met.has(child.cluster)) continue;
      if (child.cluster !== undefined) met.add(child.cluster);
      if (left === 0) {
        const reason = `has more workspaces than were looked at (${MAX_WORKSPACES} in all)`;
        gaps.push({ workspace: parent.workspace.path, reason, transient: false });
        return;
      }
      left -= 1;
      const place = placeOf(child);
      parent.below.push(place);
      queue.later((more) => visit(place, siblings, depth, more));
    }
    if (next !== undefined) queue.next((more) => read(parent, next, siblings, depth, more));
  }

  async function read(parent: Place, next: string, siblings: Tally, depth: number, queue: WorkQueue): Promise<void> {
    try {
      const page = await survey.ask(parent.workspace.path, () => pageOf(parent.workspace, next));
      take(parent, page, siblings, depth, queue);
    } catch (error) {
      gap(parent.workspace, 'could not list its workspaces', error);
    }
  }

  async function visit(place: Place, siblings: Tally, depth: number, queue: WorkQueue): Promise<void> {
    const { workspace } = place;
    try {
      const asked = await survey.ask(workspace.path, () =>
        enter(workspace, odds.listFirst(workspace, siblings, depth)),
      );
      odds.note(asked.open, siblings, depth);
      settle(place, asked, depth, queue);
    } catch (error) {
      if (place === start) throw survey.final(error);
      gap(workspace, 'could not find out whether it may be entered', error);
    }
  }

  function settle(place: Place, { open, page, obstacle }: Answer, depth: number, queue: WorkQueue): void {
    place.open = open;
    if (page !== undefined) take(place, page, { open: 0, closed: 0 }, depth + 1, queue);
    if (!open || obstacle === undefined || servesNone(obstacle)) return;
    gap(place.workspace, 'could not list its workspaces', obstacle);
  }

  async function visitHome(queue: WorkQueue): Promise<void> {
    try {
      user ??= await survey.ask(root, () => userNameAt(kcp, root, asker));
      const home = user === undefined ? undefined : homeWorkspace(user);
      if (home === undefined || home.path === root) return;
      const asked = await survey.ask(home.path, () => enter(home, odds.wasOpen(home)));
      // Those who have none are told 403.
      if (!asked.open) return;
      const place = placeOf(home);
      places.push(place);
      settle(place, asked, 0, queue);
    } catch (error) {
      const { reason, transient } = survey.why(error);
      if (error instanceof KcpStatusError && error.status === 404) return;
      gaps.push({ workspace: root, reason: `could not look for a home workspace: ${reason}`, transient });
    }
  }

  function gap(workspace: Workspace, what: string, error: unknown): void {
    const { reason, transient } = survey.why(error, workspace);
    gaps.push({ workspace: workspace.path, reason: `${what}: ${reason}`, transient });
  }

  try {
    await workOff([(queue) => visit(start, { open: 0, closed: 0 }, 0, queue), visitHome], CONCURRENCY);
    gaps.sort((a, b) => comparePaths(a.workspace, b.workspace));
    return { root, ...flatten(places), gaps, user };
  } finally {
    survey.end();
  }
}

function placeOf(workspace: Workspace): Place {
  return { workspace, open: false, below: [] };
}

/** What is needed of a list; the objects themselves are large, and the walk below them long. */
function readPage(list: unknown, parent: Workspace): Page {
  const items = arrayAt(list, 'items').map((item) => workspaceOf(item, parent.path));
  return { children: items.filter((child) => child !== undefined), next: stringAt(list, 'metadata', 'continue') };
}

/** Whether a workspace answered that it has no such thing as Workspaces, so that none are below it. */
function servesNone(obstacle: KcpError): boolean {
  return obstacle instanceof KcpStatusError && obstacle.status === 404 && !isMissingWorkspace(obstacle);
}

/** All places in the order of the tree. */
function flatten(places: readonly Place[]): Pick<Walk, 'enterable' | 'visible'> {
  const enterable: Workspace[] = [];
  const visible: Workspace[] = [];
  const add = (siblings: readonly Place[]) => {
    const ordered = siblings.toSorted((a, b) => comparePaths(a.workspace.path, b.workspace.path));
    for (const { workspace, open, below } of ordered) {
      (open ? enterable : visible).push(workspace);
      add(below);
    }
  };
  add(places);
  return { enterable, visible };
}
