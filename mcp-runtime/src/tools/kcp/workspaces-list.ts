import { z } from 'zod';
import type { CallerWorkspaces } from '../../kcp/inventory.ts';
import { isEnterable } from '../../kcp/inventory.ts';
import { parseWorkspace, splitWorkspace } from '../../kcp/paths.ts';
import { comparePaths } from '../../kcp/walk.ts';
import { MAX_TEXT_BYTES, howManyFit } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, pageArguments } from '../../output/paginate.ts';
import { oneLine, shorten, toolResult } from '../../output/text.ts';
import { hang, renderTree } from '../../output/tree.ts';
import { defineTool } from '../tool.ts';
import { WORKSPACE } from './kinds.ts';

const MAX_ELSEWHERE = 50;
/** The tree's part of an answer: its continue token has to be within what is shown. */
const TREE_BYTES = MAX_TEXT_BYTES - 16 * 1024;

const workspace = z.object({
  path: z.string().describe('What to give as workspace argument'),
  parent: z.string().optional(),
  cluster: z.string().optional().describe('Logical-cluster id; serves as workspace argument, too'),
  type: z.string().optional(),
  phase: z.string().optional(),
});

const output = z.object({
  user: z.string(),
  asOf: z.string().describe('When kcp was asked (RFC 3339)'),
  root: z.string().describe('Where the search began'),
  source: z
    .enum(['caller', 'index'])
    .describe('How they were found: by walking down (caller), or by asking about every workspace (index)'),
  fallback: z.string().optional().describe('Why the index was not used, so that workspaces may be missing'),
  total: z.int().describe('How many workspaces the caller can enter, on all pages'),
  workspaces: z.array(workspace).describe('Those that the caller can enter, each parent before its children'),
  next: z.string().optional().describe('Where set, there are more: call again with continue: this'),
  visible: z.array(workspace).describe('Those that a parent lists, but that the caller cannot enter'),
  incomplete: z
    .array(z.object({ workspace: z.string(), reason: z.string() }))
    .describe('Where it could not be looked, so that there may be more below'),
  omitted: z.int().describe('Entries of visible and incomplete left out for brevity'),
});

export const workspacesList = defineTool({
  name: 'kcp_workspaces_list',
  toolset: 'kcp',
  title: 'kcp: Workspaces List',
  description:
    "List the kcp workspaces that the caller can enter, as a tree, with the caller's own rights: those below the default " +
    "workspace, and the caller's home workspace. Says where it could not look. A workspace given to other tools is a path or id from here.",
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject(pageArguments),
  output,
  touches: [WORKSPACE],
  kcpOnly: true,
  async handle({ limit = DEFAULT_LIMIT, continue: after }, call) {
    const { principal } = call;
    const found = await call.inventory.get(principal, call.signal);
    call.audit({ workspace: found.root });
    const user = oneLine(principal.username ?? principal.subject);
    // The token is the last path shown: the order is the same in a newer inventory, whatever has come or gone.
    const last = after === undefined ? undefined : parseWorkspace(after);
    const start = last === undefined ? 0 : found.enterable.filter(({ path }) => comparePaths(path, last) <= 0).length;
    const lines = tree(found).slice(start, start + limit);
    const shown = lines.slice(0, Math.max(1, howManyFit(lines, TREE_BYTES)));
    const answer = present(found, user, start, shown.length);
    return toolResult(render(found, answer, shown, start), answer);
  },
});

type Answer = z.infer<typeof output>;

function present(found: CallerWorkspaces, user: string, start: number, count: number): Answer {
  const { enterable, gaps, root, asOf, source, fallback } = found;
  const page = enterable.slice(start, start + count);
  const last = page.at(-1);
  const closed = closedOf(found);
  const incomplete = [
    ...gaps.map((gap) => ({ workspace: gap.workspace, reason: shorten(gap.reason, 300) })),
    ...closed.map(({ path }) => ({ workspace: path, reason: '403: no access, so what is below it is unknown' })),
  ];
  return {
    user,
    asOf: new Date(asOf).toISOString(),
    root,
    source,
    ...(fallback !== undefined && { fallback }),
    total: enterable.length,
    workspaces: page.map(entry),
    ...(last !== undefined && start + count < enterable.length && { next: last.path }),
    visible: closed.slice(0, MAX_ELSEWHERE).map(entry),
    incomplete: incomplete.slice(0, MAX_ELSEWHERE),
    omitted: Math.max(0, closed.length - MAX_ELSEWHERE) + Math.max(0, incomplete.length - MAX_ELSEWHERE),
  };
}

/** Visible ones that kcp said no to, without those that it gave no answer for. */
function closedOf({ visible, gaps }: CallerWorkspaces): CallerWorkspaces['visible'] {
  const unknown = new Set(gaps.map((gap) => gap.workspace));
  return visible.filter(({ path }) => !unknown.has(path));
}

function entry({ path, cluster, type, phase }: CallerWorkspaces['enterable'][number]): z.infer<typeof workspace> {
  const parent = splitWorkspace(path)?.parent;
  return {
    path,
    ...(parent !== undefined && { parent }),
    ...(cluster !== undefined && { cluster }),
    ...(type !== undefined && { type }),
    ...(phase !== undefined && { phase }),
  };
}

function render(found: CallerWorkspaces, answer: Answer, lines: readonly string[], start: number): string {
  const { root, gaps, enterable, source, fallback } = found;
  const { user, asOf, total } = answer;
  const paragraphs: string[] = [];
  if (enterable.length > 0) {
    const title = `Workspaces that ${user} can enter (${total}), as of ${asOf}:`;
    const remaining = total - start - lines.length;
    const note = cutNote(lines.length, { next: answer.next, remaining });
    const shown = lines.length === 0 ? ['(no more)'] : lines;
    paragraphs.push([title, ...shown, ...(note === undefined ? [] : [note])].join('\n'));
  } else if (source === 'index') {
    paragraphs.push(
      `${user} can enter no workspace at or below ${root}, as of ${asOf}. Those who run the platform can give access.`,
    );
  }
  if (source === 'caller' && !isEnterable(found, root)) {
    paragraphs.push(
      `${user} may not enter ${root}, where the search begins (403), so which workspaces are below could not be found out ` +
        `(as of ${asOf}). That doesn't mean there are none: a workspace further down may be open to ${user} and can be used by ` +
        `giving its full path, such as ${root}:org:team. Those who run the platform can tell which, or let users enter and list ${root}.`,
    );
  }
  if (fallback !== undefined) {
    paragraphs.push(
      `Some may be missing: they were found by walking down, as the index of workspaces is not used (${fallback}).`,
    );
  }
  const closed = closedOf(found)
    .map(({ path }) => path)
    .filter((path) => path !== root);
  if (closed.length > 0) {
    const shown = closed.slice(0, MAX_ELSEWHERE).join(', ');
    paragraphs.push(`Visible but not enterable (403), so what is below is unknown: ${shown}${more(closed)}`);
  }
  if (gaps.length > 0) {
    const lines = gaps.slice(0, MAX_ELSEWHERE).map((gap) => `- ${gap.workspace}: ${shorten(gap.reason, 300)}`);
    paragraphs.push(['Could not look everywhere:', ...lines].join('\n') + more(gaps));
  }
  return paragraphs.join('\n\n');
}

/** One line for each workspace that the caller can enter. */
function tree({ root, enterable }: CallerWorkspaces): string[] {
  const nodes = hang(enterable.map(({ path }) => path));
  return renderTree(
    enterable.map(({ path, type, phase }, at) => ({
      path: nodes[at] ?? [path],
      cells: path === root ? [] : [path, type?.split(':').at(-1) ?? '-', phase ?? '-'],
    })),
  );
}

function more({ length }: readonly unknown[]): string {
  return length > MAX_ELSEWHERE ? ` (and ${length - MAX_ELSEWHERE} more)` : '';
}
