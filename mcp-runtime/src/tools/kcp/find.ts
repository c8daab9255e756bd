import * as z from 'zod';
import { checkName, parseApiVersion, parseWorkspace } from '../../kcp/paths.ts';
import { comparePaths } from '../../kcp/workspace.ts';
import { NOTE_BYTES, MAX_TEXT_BYTES, howManyFit } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, pageArguments } from '../../output/paginate.ts';
import { age, renderTable, toCell } from '../../output/table.ts';
import { count, shorten, toolResult } from '../../output/text.ts';
import { fieldSelectorArgument, labelSelectorArgument } from '../arguments.ts';
import { kindArguments } from '../core/kind.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { search } from './find-search.ts';
import type { Answer } from './find-search.ts';
import { WORKSPACE } from './kinds.ts';
import { checkContinue, select } from './workspaces-selection.ts';

const MAX_GAPS = 20;

const output = z.object({
  asOf: z.string().describe('How old the list of workspaces is (RFC 3339)'),
  searched: z.int().describe('Workspaces that answered'),
  total: z.int().describe('Workspaces that the caller can enter, below prefix where that is given'),
  objects: z.array(
    z.object({
      workspace: z.string(),
      namespace: z.string().optional(),
      name: z.string(),
      created: z.string().optional(),
    }),
  ),
  next: z.string().optional().describe('Where set, there is more: call again with continue: this'),
  incomplete: z
    .array(z.object({ workspace: z.string(), reason: z.string() }))
    .describe('Workspaces that could not be searched, or not to the end'),
  omitted: z.int().optional().describe('How many more of these there are'),
  notServed: z.int().describe('Workspaces that do not serve the kind'),
});

export const find = defineTool({
  name: 'kcp_find',
  toolset: 'kcp',
  title: 'kcp: Find',
  description:
    'Find objects of one kind across all kcp workspaces that the caller can enter, by name or selector: names and where they are. Says which workspaces could not be searched.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    ...kindArguments,
    name: z.string().optional().describe('Exactly this name'),
    namespace: z.string().optional().describe('Only in namespaces of this name'),
    labelSelector: labelSelectorArgument,
    fieldSelector: fieldSelectorArgument,
    prefix: z
      .string()
      .optional()
      .describe(
        'Only in this workspace and those below it, such as root:acme; default: in all that the caller can enter',
      ),
    ...pageArguments,
  }),
  output,
  // Where something is can't be told without naming workspaces.
  touches: [WORKSPACE],
  kcpOnly: true,
  async handle(args, call) {
    const { apiVersion, kind, prefix, limit = DEFAULT_LIMIT } = args;
    if (args.name !== undefined) checkName(args.name, 'name');
    if (args.namespace !== undefined) checkName(args.namespace, 'namespace');
    const groupVersion = parseApiVersion(apiVersion);
    call.audit({ object: `${kind} (${apiVersion})${args.name === undefined ? '' : ` ${args.name}`}` });
    if (prefix !== undefined) parseWorkspace(prefix);
    const found = await call.inventory.get(call.principal, call.signal);
    const after = args.continue;
    if (after !== undefined) checkContinue(after, found);
    const all = select(found, { prefix }).enterable.map(({ path }) => path);
    const workspaces = all.filter((path) => after === undefined || comparePaths(path, after) > 0);
    const answers = await search({ ...args, groupVersion, limit }, workspaces, call);
    const more = answers.length < workspaces.length;
    return present({ answers, more, total: all.length, asOf: found.asOf, limit, kind }, call);
  },
});

interface Result {
  readonly answers: readonly Answer[];
  /** Whether there are workspaces that weren't asked. */
  readonly more: boolean;
  readonly total: number;
  readonly asOf: number;
  readonly limit: number;
  readonly kind: string;
}

function present({ answers, more, total, asOf, limit, kind }: Result, call: Call) {
  const now = call.clock();
  // Whole workspaces, so that the next page can begin behind one.
  const pages: Answer[] = [];
  let objects = 0;
  for (const answer of answers) {
    if (objects > 0 && objects + answer.objects.length > limit) break;
    objects += answer.objects.length;
    pages.push(answer);
  }
  const rowsOf = ({ workspace, objects: found }: Answer) =>
    found.map(({ namespace, name, created }) => [workspace, namespace, name, age(created, now)].map(toCell));
  const [header = '', ...lines] = renderTable({
    columns: ['Workspace', 'Namespace', 'Name', 'Age'],
    rows: pages.flatMap(rowsOf),
  });
  const fit = howManyFit([header, ...lines], MAX_TEXT_BYTES - 4 * NOTE_BYTES) - 1;
  while (pages.length > 1 && objects > fit) objects -= pages.pop()?.objects.length ?? 0;

  const last = pages.at(-1);
  const complete = !more && pages.length === answers.length;
  const next = complete || last === undefined ? undefined : last.workspace;
  const gaps = pages.flatMap(({ workspace, gap }) => (gap === undefined ? [] : [{ workspace, reason: gap }]));
  const notServed = pages.filter(({ served }) => !served).length;
  const structured = {
    asOf: new Date(asOf).toISOString(),
    searched: pages.filter(({ gap }) => gap === undefined).length,
    total,
    objects: pages.flatMap(({ workspace, objects: found }) =>
      found.map(({ namespace, name, created }) => ({
        workspace,
        ...(namespace !== undefined && { namespace }),
        name,
        ...(created !== undefined && { created }),
      })),
    ),
    ...(next !== undefined && { next }),
    incomplete: gaps.slice(0, MAX_GAPS),
    ...(gaps.length > MAX_GAPS && { omitted: gaps.length - MAX_GAPS }),
    notServed,
  };
  const note = cutNote(objects, { next, remaining: undefined });
  // Served nowhere is a misspelt kind more often than one that is missing.
  const hint = notServed === pages.length && next === undefined ? pages[0]?.hint : undefined;
  const shown = lines.slice(0, objects);
  const paragraphs = [
    ...(shown.length === 0 ? [`No ${shorten(kind, 100)} was found.`] : [[header, ...shown].join('\n')]),
    ...(note === undefined ? [] : [note]),
    ...(hint === undefined ? [] : [hint]),
    `Searched ${structured.searched} of ${count(total, 'workspace')} that you can enter, as of ${structured.asOf}` +
      `${notServed === 0 ? '' : `; ${notServed} of them do not serve the kind`}.`,
    ...(gaps.length === 0
      ? []
      : [
          [
            'Could not search everywhere:',
            ...gaps.slice(0, MAX_GAPS).map(({ workspace, reason }) => `- ${workspace}: ${reason}`),
          ].join('\n') + (gaps.length > MAX_GAPS ? `\n(and ${gaps.length - MAX_GAPS} more)` : ''),
        ]),
  ];
  return toolResult(paragraphs.join('\n\n'), structured);
}
