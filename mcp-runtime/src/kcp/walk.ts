import { mayEnter } from './access.ts';
import type { KcpClient } from './client.ts';
import { KcpBusyError, KcpError, KcpStatusError, KcpTooLargeError } from './errors.ts';
import { isMissingWorkspace } from './explain.ts';
import { homeWorkspace, userNameAt } from './home.ts';
import { arrayAt, stringAt } from './json.ts';
import { resourcePath } from './paths.ts';
import { MAX_WORKSPACES, beginSurvey } from './survey.ts';
import type { SurveyOptions } from './survey.ts';
import { likelihood } from './tally.ts';
import type { Tally } from './tally.ts';
import { WORKSPACES, address, comparePaths, workspaceOf } from './workspace.ts';
import type { Gap, Walk, Workspace } from './workspace.ts';

export { comparePaths };
export type { Gap, Walk, Workspace };

/** A workspace with what was found out about it. */
interface Place {
  readonly workspace: Workspace;
  readonly open: boolean;
  readonly below: readonly Place[];
}

interface Page {
  readonly children: readonly Workspace[];
  readonly next: string | undefined;
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

  /** The first page of its children, or what stood in the way of it. */
  async function list(parent: Workspace): Promise<{ page?: Page; obstacle?: KcpError }> {
    try {
      return { page: await pageOf(parent) };
    } catch (error) {
      if (!(error instanceof KcpError)) throw error;
      return { obstacle: error };
    }
  }

  async function enter(workspace: Workspace, listFirst: boolean) {
    const listed = listFirst ? await list(workspace) : {};
    if ('page' in listed) return { open: true, ...listed };
    const open = await mayEnter(kcp, address(workspace), asker);
    return { open, ...(open && !listFirst && workspace.mounted !== true ? await list(workspace) : listed) };
  }

  async function children(parent: Workspace, first: Page, depth: number): Promise<Place[]> {
    const found: Promise<Place>[] = [];
    const siblings: Tally = { open: 0, closed: 0 };
    let page = first;
    let cut = false;
    for (;;) {
      for (const child of page.children) {
        // An id that comes again would lead round in a circle.
        if (child.cluster !== undefined && met.has(child.cluster)) continue;
        if (child.cluster !== undefined) met.add(child.cluster);
        cut = left === 0;
        if (cut) break;
        left -= 1;
        const visited = visit(child, siblings, depth);
        // It may fail before all are there to be waited for.
        visited.catch(() => undefined);
        found.push(visited);
      }
      const { next } = page;
      if (next === undefined || cut) break;
      try {
        page = await survey.ask(parent.path, () => pageOf(parent, next), true);
      } catch (error) {
        gap(parent, 'could not list its workspaces', error);
        break;
      }
    }
    if (cut) {
      const reason = `has more workspaces than were looked at (${MAX_WORKSPACES} in all)`;
      gaps.push({ workspace: parent.path, reason, transient: false });
    }
    return Promise.all(found);
  }

  function gap(workspace: Workspace, what: string, error: unknown): void {
    const { reason, transient } = survey.why(error, workspace);
    gaps.push({ workspace: workspace.path, reason: `${what}: ${reason}`, transient });
  }

  async function visit(workspace: Workspace, siblings: Tally, depth: number): Promise<Place> {
    const asked = await survey
      .ask(workspace.path, async () => {
        const answer = await enter(workspace, odds.listFirst(workspace, siblings, depth));
        // Before the next one takes this one's place.
        odds.note(answer.open, siblings, depth);
        return answer;
      })
      .catch((error: unknown) => {
        if (workspace.path === root) throw survey.final(error);
        gap(workspace, 'could not find out whether it may be entered', error);
        return undefined;
      });
    if (asked === undefined) return { workspace, open: false, below: [] };
    const { open, page, obstacle } = asked;
    if (open && obstacle !== undefined && !servesNone(obstacle))
      gap(workspace, 'could not list its workspaces', obstacle);
    return { workspace, open, below: page === undefined ? [] : await children(workspace, page, depth + 1) };
  }

  async function visitHome(): Promise<Place[]> {
    try {
      user ??= await survey.ask(root, () => userNameAt(kcp, root, asker));
      if (user === undefined) return [];
      const home = homeWorkspace(user);
      if (home.path === root) return [];
      const { open, page } = await survey.ask(home.path, () => enter(home, odds.wasOpen(home)));
      if (!open) return [];
      return [{ workspace: home, open, below: page === undefined ? [] : await children(home, page, 1) }];
    } catch (error) {
      const { reason, transient } = survey.why(error);
      // Those who have none are told 403 or 404.
      if (error instanceof KcpStatusError && error.status === 404) return [];
      gaps.push({ workspace: root, reason: `could not look for a home workspace: ${reason}`, transient });
      return [];
    }
  }

  try {
    const start = { path: root, name: root, cluster: undefined, type: undefined, phase: undefined };
    const [place, homes] = await Promise.all([visit(start, { open: 0, closed: 0 }, 0), visitHome()]);
    gaps.sort((a, b) => comparePaths(a.workspace, b.workspace));
    return { root, ...flatten([place, ...homes]), gaps, user };
  } finally {
    survey.end();
  }
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
