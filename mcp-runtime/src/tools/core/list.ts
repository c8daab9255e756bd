import type { ResourceType } from '../../kcp/discovery.ts';
import type { Target } from '../../kcp/errors.ts';
import { arrayAt } from '../../kcp/json.ts';
import { placeName, resourcePath } from '../../kcp/paths.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES, howManyFit, limitBytes } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, restOf } from '../../output/paginate.ts';
import type { Rest } from '../../output/paginate.ts';
import { presentable } from '../../output/redact.ts';
import { fromObjects, fromServerTable, isServerTable, renderTable, toCell } from '../../output/table.ts';
import type { Table } from '../../output/table.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import type { Call, CallToolResult } from '../tool.ts';

export interface ListQuery {
  /** Undefined: the one cluster that there is. */
  readonly workspace: string | undefined;
  readonly type: Omit<ResourceType, 'verbs' | 'subresources'>;
  /** Undefined: all namespaces, or a kind without namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly output?: 'table' | 'yaml' | undefined;
  /** The table's columns, made of the objects; without them the API server makes the table. */
  readonly columns?: Columns;
}

/** Names of columns, and how an object fills them. */
export type Columns = Readonly<Record<string, (object: unknown, now: number) => string | undefined>>;

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const ROOM = MAX_TEXT_BYTES - NOTE_BYTES;

/** One page of a list, as text. */
interface Page {
  /** Lines before the first entry. */
  readonly header: readonly string[];
  readonly entries: readonly string[];
  /** How many entries there are: more than `entries` holds where they don't fit anyway. */
  readonly count: number;
  /** What the answer says of the rest; of the answer itself, which may be large, nothing is kept. */
  readonly rest: Rest;
}

/** Lists objects of one kind, one page at a time, as a table or YAML, and says where it was cut and how to go on. */
export async function listObjects(query: ListQuery, call: Call): Promise<CallToolResult> {
  const asTable = (query.output ?? call.config.list_output) === 'table';
  const limit = query.limit ?? DEFAULT_LIMIT;
  let page = await fetchPage(query, asTable, limit, call);
  const fit = howManyFit([...page.header, ...page.entries], ROOM) - page.header.length;
  if (fit < page.count && page.count > 1) {
    // kcp's continue token stands at the end of the page that kcp sent: only a page as long as what is shown has the right one.
    page = await fetchPage(query, asTable, Math.max(1, fit), call);
  }
  const note = cutNote(page.count, page.rest);
  const lines = page.count === 0 ? [nothing(query)] : [...page.header, ...page.entries];
  const text = limitBytes(lines.join('\n'), ROOM);
  return toolResult(note === undefined ? text : `${text}\n${asTable ? '' : '# '}${note}`);
}

async function fetchPage(query: ListQuery, asTable: boolean, limit: number, call: Call): Promise<Page> {
  const { workspace, type, namespace, labelSelector, fieldSelector } = query;
  const acrossNamespaces = type.namespaced && namespace === undefined;
  const serverTable = asTable && query.columns === undefined;
  const target: Target = { verb: 'list', ...type, namespace };
  const list = await call.api.request({
    workspace,
    path: resourcePath({ ...type, namespace }),
    query: {
      limit,
      labelSelector,
      fieldSelector,
      continue: query.continue,
      // The rows' objects are only needed for their namespaces.
      includeObject: serverTable ? (acrossNamespaces ? 'Metadata' : 'None') : undefined,
    },
    headers: { accept: serverTable ? TABLE : 'application/json' },
    target,
  });
  const rest = restOf(list);
  if (!asTable) return { header: [], entries: yamlEntries(list, type), count: arrayAt(list, 'items').length, rest };
  const [header = '', ...entries] = renderTable(tableOf(list, query, acrossNamespaces, call.clock()));
  return { header: [header], entries, count: entries.length, rest };
}

function tableOf(list: unknown, { columns }: ListQuery, acrossNamespaces: boolean, now: number): Table {
  if (isServerTable(list)) return fromServerTable(list, acrossNamespaces);
  const items = arrayAt(list, 'items');
  if (columns === undefined) return fromObjects(items, acrossNamespaces, now);
  return {
    columns: Object.keys(columns),
    rows: items.map((item) => Object.values(columns).map((fill) => toCell(fill(item, now)))),
  };
}

/** The entries up to the first that doesn't fit: writing YAML costs far more memory than it takes. */
function yamlEntries(list: unknown, { group, version, kind }: ListQuery['type']): string[] {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const entries: string[] = [];
  let bytes = 0;
  for (const item of arrayAt(list, 'items')) {
    if (bytes > ROOM) break;
    // Items of a list leave out what the list says once; an object on its own says it.
    const entry = toYaml([presentable({ apiVersion, kind, ...(item as object) }, kind)]);
    entries.push(entry);
    bytes += Buffer.byteLength(entry) + 1;
  }
  return entries;
}

function nothing({ type, workspace, namespace, labelSelector, fieldSelector }: ListQuery): string {
  const place = placeName(workspace);
  const where = namespace === undefined ? `in ${place}` : `in namespace ${namespace} of ${place}`;
  const selected = labelSelector === undefined && fieldSelector === undefined ? '' : ' that the selectors match';
  return `There are no objects of kind ${type.kind}${selected} ${where}.`;
}
