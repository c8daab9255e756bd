import * as z from 'zod';
import { placeName, resourcePath } from '../../kcp/paths.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES, howManyFit, limitBytes } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, pageArguments } from '../../output/paginate.ts';
import { presentable } from '../../output/redact.ts';
import { renderTable } from '../../output/table.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { fieldSelectorArgument, optionalName, outputArgument, placeOf, workspaceArgument } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { eventTable, formatCursor, newestFirst, parseCursor, timed } from './events.ts';
import type { Cursor, TimedEvent } from './events.ts';
import { eachPage } from './pages.ts';

const EVENT = { group: '', version: 'v1', kind: 'Event', resource: 'events', namespaced: true } as const;
/** Events are at most 2 KiB or so each; they live for an hour unless the API server is told otherwise. */
const BOUNDS = { pageSize: 500, max: 10_000 };
const ROOM = MAX_TEXT_BYTES - NOTE_BYTES;

export const eventsList = defineTool({
  name: 'events_list',
  toolset: 'core',
  title: 'Events: List',
  description:
    'List Kubernetes events (warnings, errors, state changes), the last seen first: what to look at when something does not work.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    namespace: optionalName('Namespace to look into; default: all'),
    fieldSelector: fieldSelectorArgument.describe(
      "Kubernetes field selector, such as 'type=Warning' or 'involvedObject.kind=Pod,involvedObject.name=web-1'. Fields of events: " +
        'involvedObject.kind, .namespace, .name, .uid, .apiVersion, .resourceVersion, .fieldPath; reason, reportingComponent, source, type',
    ),
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [EVENT],
  async handle({ namespace, fieldSelector, limit = DEFAULT_LIMIT, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    const after = args.continue === undefined ? undefined : cursor(args.continue);
    let newest: TimedEvent[] = [];
    let found = 0;
    // The API lists them by name: which are the newest is known when all were seen.
    const all = await eachPage(
      {
        workspace,
        path: resourcePath({ ...EVENT, namespace }),
        query: { fieldSelector },
        target: { verb: 'list', ...EVENT, namespace },
      },
      BOUNDS,
      call,
      (items) => {
        const page = items.map(timed).filter((each) => after === undefined || newestFirst(after, each) < 0);
        found += page.length;
        newest = [...newest, ...page].sort(newestFirst).slice(0, limit);
      },
    );
    const asTable = (args.output ?? call.config.list_output) === 'table';
    const [header, lines] = asTable ? tableOf(newest, namespace === undefined, call.clock()) : [[], yamlOf(newest)];
    const fit = howManyFit([...header, ...lines], ROOM) - header.length;
    const shown = newest.slice(0, Math.max(1, fit));
    const last = found > shown.length ? shown.at(-1) : undefined;
    const notes = [
      cutNote(shown.length, { next: last && formatCursor(last), remaining: found - shown.length }),
      all
        ? undefined
        : `[only the first ${BOUNDS.max} events by name were looked at: there may be newer ones; name a namespace or a fieldSelector]`,
    ].filter((note) => note !== undefined);
    const where = `${namespace === undefined ? '' : `namespace ${namespace} of `}${placeName(workspace)}`;
    const selected = fieldSelector === undefined ? '' : ' that the selector matches';
    const text =
      shown.length === 0
        ? `There are no ${after === undefined ? '' : 'more '}events${selected} in ${where}.`
        : limitBytes([...header, ...lines.slice(0, shown.length)].join('\n'), ROOM);
    return toolResult([text, ...notes.map((note) => (asTable ? note : `# ${note}`))].join('\n'));
  },
});

function cursor(text: string): Cursor {
  const parsed = parseCursor(text);
  if (parsed !== undefined) return parsed;
  throw new ToolError('continue is not a token of an earlier answer of events_list: leave it out.', 'invalid');
}

/** Header and lines. */
function tableOf(events: readonly TimedEvent[], withNamespace: boolean, now: number): [string[], string[]] {
  const [header = '', ...lines] = renderTable(eventTable(events, withNamespace, now));
  return [[header], lines];
}

/** Whole objects, up to the first that doesn't fit: writing YAML costs far more memory than it takes. */
function yamlOf(events: readonly TimedEvent[]): string[] {
  const entries: string[] = [];
  let bytes = 0;
  for (const { event } of events) {
    if (bytes > ROOM) break;
    const entry = toYaml([presentable({ apiVersion: 'v1', kind: EVENT.kind, ...(event as object) }, EVENT.kind)]);
    entries.push(entry);
    bytes += Buffer.byteLength(entry) + 1;
  }
  return entries;
}
