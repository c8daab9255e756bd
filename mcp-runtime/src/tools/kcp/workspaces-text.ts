import type { CallerWorkspaces } from '../../kcp/inventory.ts';
import { isEnterable } from '../../kcp/inventory.ts';
import type { Workspace } from '../../kcp/workspace.ts';
import { MAX_TEXT_BYTES, howManyFit } from '../../output/limit.ts';
import { cutNote } from '../../output/paginate.ts';
import { renderTable, toCell } from '../../output/table.ts';
import { count, shorten } from '../../output/text.ts';
import { drawBranches } from '../../output/tree.ts';
import type { Answer } from './workspaces-list.ts';
import { closedOf } from './workspaces-selection.ts';
import type { Filters } from './workspaces-selection.ts';

/** Most closed workspaces, and places where it couldn't be looked, of one answer. */
export const MAX_ELSEWHERE = 50;
/** The list's part of an answer: its continue token has to be within what is shown. */
const LIST_BYTES = MAX_TEXT_BYTES - 16 * 1024;
const MAX_HINTS = 10;

/** One page of the list, one line for each workspace. */
export interface Lines {
  readonly header?: string | undefined;
  readonly rows: readonly string[];
}

/** What an answer's text is made of. */
export interface Parts {
  /** All that the caller has, and the part of it that was asked for. */
  readonly all: CallerWorkspaces;
  readonly asked: CallerWorkspaces;
  readonly filters: Filters;
  readonly lines: Lines;
  readonly answer: Answer;
  /** Index of the first line's workspace. */
  readonly start: number;
}

/** The workspaces from `start` until before `end` as lines, as far as they fit into an answer. */
export function drawPage(
  workspaces: readonly Workspace[],
  { start, end, flat }: { start: number; end: number; flat: boolean },
): Lines {
  const page = workspaces.slice(start, end);
  const [header, ...rows] = flat ? drawTable(page) : drawTree(page, drawBranches(workspaces, start, end));
  const fitting = rows.slice(0, Math.max(1, howManyFit(rows, LIST_BYTES)));
  return { rows: fitting, ...(flat && { header }) };
}

function drawTable(page: readonly Workspace[]): string[] {
  const rows = page.map(({ path, cluster, type, phase }) => [path, cluster, type, phase].map(toCell));
  return renderTable({ columns: ['Path', 'Cluster', 'Type', 'Phase'], rows });
}

function drawTree(page: readonly Workspace[], branches: readonly string[]): string[] {
  const rows = page.map(({ path, type, phase }, index) => {
    const branch = branches[index] ?? '';
    // Nothing is known of where a walk begins.
    const isStart = type === undefined && phase === undefined && branch === path;
    return isStart ? [path] : [branch, path, toCell(type?.split(':').at(-1)), toCell(phase)];
  });
  return renderTable({ columns: ['', '', '', ''], rows });
}

/** The whole text. */
export function writeAnswer({ all, asked, filters, lines, answer, start }: Parts): string {
  const { root, gaps, source, fallback } = asked;
  const { user, asOf, total } = answer;
  const paragraphs: string[] = [];
  if (total > 0) {
    const among = asked === all ? '' : ` of ${all.enterable.length}: ${describe(filters)}`;
    const title = `Workspaces that ${user} can enter (${total}${among}), as of ${asOf}:`;
    const remaining = total - start - lines.rows.length;
    const note = cutNote(lines.rows.length, { next: answer.next, remaining });
    const shown = lines.rows.length === 0 ? ['(no more)'] : lines.rows;
    const header = lines.header === undefined || lines.rows.length === 0 ? [] : [lines.header];
    paragraphs.push([title, ...header, ...shown, ...(note === undefined ? [] : [note])].join('\n'));
  } else if (asked !== all && all.enterable.length > 0) {
    const number = count(all.enterable.length, 'workspace');
    paragraphs.push(
      `Of ${number} that ${user} can enter, as of ${asOf}, none fits ${describe(filters)}.${hints(all, filters)}`,
    );
  } else if (source === 'index') {
    paragraphs.push(
      `${user} can enter no workspace at or below ${root}, as of ${asOf}. Those who run the platform can give access.`,
    );
  }
  if (source === 'caller' && !isEnterable(all, root)) {
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
  const closed = closedOf(asked)
    .map(({ path }) => path)
    .filter((path) => path !== root);
  if (closed.length > 0) {
    const shown = closed.slice(0, MAX_ELSEWHERE).join(', ');
    paragraphs.push(`Visible but not enterable (403), so what is below is unknown: ${shown}${more(closed)}`);
  }
  if (gaps.length > 0) {
    const places = gaps.slice(0, MAX_ELSEWHERE).map((gap) => `- ${gap.workspace}: ${shorten(gap.reason, 300)}`);
    paragraphs.push(['Could not look everywhere:', ...places].join('\n') + more(gaps));
  }
  return paragraphs.join('\n\n');
}

function describe(filters: Filters): string {
  const { prefix, depth, type, phase } = filters;
  const given = Object.entries({ prefix, depth, type, phase }).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name} ${shorten(String(value), 100)}`).join(', ');
}

/** What a filter could have been, where that is a short list. */
function hints({ enterable }: CallerWorkspaces, { type, phase }: Filters): string {
  const hint = (name: string, values: readonly (string | undefined)[]) => {
    const known = [...new Set(values)].filter((value) => value !== undefined).sort();
    const shown = known.map((value) => shorten(value, 100));
    return known.length === 0 || known.length > MAX_HINTS ? '' : ` There is ${name} ${shown.join(', ')}.`;
  };
  const types =
    type === undefined
      ? ''
      : hint(
          'type',
          enterable.map((each) => each.type),
        );
  const phases =
    phase === undefined
      ? ''
      : hint(
          'phase',
          enterable.map((each) => each.phase),
        );
  return types + phases;
}

function more({ length }: readonly unknown[]): string {
  return length > MAX_ELSEWHERE ? ` (and ${length - MAX_ELSEWHERE} more)` : '';
}
