import * as z from 'zod';
import type { CallerWorkspaces } from '../../kcp/inventory.ts';
import { parseWorkspace, splitWorkspace } from '../../kcp/paths.ts';
import type { Workspace } from '../../kcp/workspace.ts';
import { Lru } from '../../lru.ts';
import { DEFAULT_LIMIT, pageArguments } from '../../output/paginate.ts';
import { oneLine, shorten, toolResult } from '../../output/text.ts';
import { defineTool } from '../tool.ts';
import type { CallToolResult } from '../tool.ts';
import { WORKSPACE } from './kinds.ts';
import { checkContinue, closedOf, select, startAfter } from './workspaces-selection.ts';
import { MAX_ELSEWHERE, drawPage, writeAnswer } from './workspaces-text.ts';

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
  total: z.int().describe('How many the caller can enter, of those asked for, on all pages'),
  workspaces: z.array(workspace).describe('Those that the caller can enter, each parent before its children'),
  next: z.string().optional().describe('Where set, there are more: call again with continue: this'),
  visible: z.array(workspace).describe('Those that a parent lists, but that the caller cannot enter'),
  incomplete: z
    .array(z.object({ workspace: z.string(), reason: z.string() }))
    .describe('Where it could not be looked, so that there may be more below'),
  omitted: z.int().describe('Entries of visible and incomplete left out for brevity'),
});

export type Answer = z.infer<typeof output>;

const input = z.strictObject({
  prefix: z
    .string()
    .optional()
    .describe('Only this workspace and those below it, by path or id, such as root:acme; default: all'),
  depth: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Only so many levels below prefix, or below the top where no prefix is given; default: all'),
  type: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('Only workspaces of this WorkspaceType, such as universal, or root:universal for that of one workspace'),
  phase: z.string().min(1).max(64).optional().describe('Only workspaces in this phase, such as Ready or Initializing'),
  output: z.enum(['tree', 'flat']).optional().describe('tree (default) or flat: a table with logical-cluster ids'),
  ...pageArguments,
});

export const workspacesList = defineTool({
  name: 'kcp_workspaces_list',
  toolset: 'kcp',
  title: 'kcp: Workspaces List',
  description:
    "List the kcp workspaces that the caller can enter, as a tree, with the caller's own rights: those below the default " +
    "workspace, and the caller's home workspace. Says where it could not look. A workspace given to other tools is a path or id from here.",
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input,
  output,
  touches: [WORKSPACE],
  kcpOnly: true,
  async handle(args, call) {
    const { principal } = call;
    if (args.prefix !== undefined) parseWorkspace(args.prefix);
    const all = await call.inventory.get(principal, call.signal);
    if (args.continue !== undefined) checkContinue(args.continue, all);
    call.audit({ workspace: args.prefix ?? all.root });
    const known = pages.get(all) ?? new Lru<CallToolResult>(PAGES_EACH);
    pages.set(all, known);
    const key = JSON.stringify([principal.claimsHash, args]);
    const result = known.get(key) ?? pageOf(all, args, oneLine(principal.username ?? principal.subject));
    known.set(key, result);
    return result;
  },
});

/** A page takes up to 100 KiB. */
const PAGES_EACH = 4;
/** What was answered of each inventory, for as long as the inventory itself is kept. */
const pages = new WeakMap<CallerWorkspaces, Lru<CallToolResult>>();

function pageOf(all: CallerWorkspaces, args: z.infer<typeof input>, user: string): CallToolResult {
  const { limit = DEFAULT_LIMIT, continue: last, output: shape, ...filters } = args;
  const asked = select(all, filters);
  const start = last === undefined ? 0 : startAfter(asked.enterable, last);
  const lines = drawPage(asked.enterable, { start, end: start + limit, flat: shape === 'flat' });
  const answer = present(asked, { user, start, count: lines.rows.length });
  return toolResult(writeAnswer({ all, asked, filters, lines, answer, start }), answer);
}

function present(asked: CallerWorkspaces, page: { user: string; start: number; count: number }): Answer {
  const { enterable, gaps, root, asOf, source, fallback } = asked;
  const shown = enterable.slice(page.start, page.start + page.count);
  const last = shown.at(-1);
  const closed = closedOf(asked);
  const incomplete = [
    ...gaps.map((gap) => ({ workspace: gap.workspace, reason: shorten(gap.reason, 300) })),
    ...closed.map(({ path }) => ({ workspace: path, reason: '403: no access, so what is below it is unknown' })),
  ];
  return {
    user: page.user,
    asOf: new Date(asOf).toISOString(),
    root,
    source,
    ...(fallback !== undefined && { fallback }),
    total: enterable.length,
    workspaces: shown.map(entry),
    ...(last !== undefined && page.start + page.count < enterable.length && { next: last.path }),
    visible: closed.slice(0, MAX_ELSEWHERE).map(entry),
    incomplete: incomplete.slice(0, MAX_ELSEWHERE),
    omitted: Math.max(0, closed.length - MAX_ELSEWHERE) + Math.max(0, incomplete.length - MAX_ELSEWHERE),
  };
}

function entry({ path, cluster, type, phase }: Workspace): z.infer<typeof workspace> {
  const parent = splitWorkspace(path)?.parent;
  return {
    path,
    ...(parent !== undefined && { parent }),
    ...(cluster !== undefined && { cluster }),
    ...(type !== undefined && { type }),
    ...(phase !== undefined && { phase }),
  };
}
