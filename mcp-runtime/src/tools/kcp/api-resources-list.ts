import * as z from 'zod';
import type { ApiResource } from '../../kcp/api-resources.ts';
import { formatApiVersion, placeName } from '../../kcp/paths.ts';
import { NOTE_BYTES, MAX_TEXT_BYTES, howManyFit } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, pageArguments } from '../../output/paginate.ts';
import { renderTable, toCell } from '../../output/table.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { workspaceArgument, workspaceOf } from '../arguments.ts';
import { defineTool } from '../tool.ts';

export const apiResourcesList = defineTool({
  name: 'kcp_api_resources_list',
  toolset: 'kcp',
  title: 'kcp: API Resources List',
  description:
    'List the kinds that a kcp workspace serves, as kubectl api-resources does: apiVersion and kind as the resources_* tools take them. Workspaces differ: each has the APIs that are bound or defined there.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    apiGroup: z.string().max(253).optional().describe('Only this API group; "" is the core group'),
    namespaced: z.boolean().optional().describe('Only kinds with (true) or without (false) namespaces'),
    verb: z.string().max(63).optional().describe('Only kinds that can be asked to do this, such as list or create'),
    ...pageArguments,
  }),
  kcpOnly: true,
  async handle({ workspace: wanted, limit = DEFAULT_LIMIT, continue: after, ...filter }, call) {
    const workspace = workspaceOf(wanted, call);
    const { resources, failed } = await call.discovery.all({ ...call, workspace });
    const found = resources.filter((resource) => matches(resource, filter));
    const start = after === undefined ? 0 : found.findIndex((resource) => tokenOf(resource) === after) + 1;
    const [header = '', ...lines] = renderTable({
      columns: ['Name', 'Short', 'APIVersion', 'Namespaced', 'Kind', 'Verbs'],
      rows: found.slice(start, start + limit).map(row),
    });
    const shown = lines.slice(0, Math.max(1, howManyFit([header, ...lines], MAX_TEXT_BYTES - NOTE_BYTES) - 1));
    const last = found[start + shown.length - 1];
    const remaining = found.length - start - shown.length;
    const next = remaining > 0 && last !== undefined ? tokenOf(last) : undefined;
    const note = cutNote(shown.length, { next, remaining });
    const gaps = failed
      .slice(0, 20)
      .map(({ groupVersion, reason }) => `Could not ask for ${groupVersion}: ${shorten(reason, 200)}`);
    const list = shown.length === 0 ? [`There are no such kinds in ${placeName(workspace)}.`] : [header, ...shown];
    return toolResult([...list, ...(note === undefined ? [] : [note]), ...gaps].join('\n'));
  },
});

interface Filter {
  readonly apiGroup?: string | undefined;
  readonly namespaced?: boolean | undefined;
  readonly verb?: string | undefined;
}

function matches({ group, namespaced, verbs }: ApiResource, filter: Filter): boolean {
  return (
    (filter.apiGroup === undefined || filter.apiGroup === group) &&
    (filter.namespaced === undefined || filter.namespaced === namespaced) &&
    (filter.verb === undefined || verbs.includes(filter.verb))
  );
}

function row({ resource, shortNames, kind, namespaced, verbs, ...groupVersion }: ApiResource): string[] {
  return [
    resource,
    shortNames.join(','),
    formatApiVersion(groupVersion),
    String(namespaced),
    kind,
    verbs.join(','),
  ].map(toCell);
}

const tokenOf = ({ resource, ...groupVersion }: ApiResource) => `${formatApiVersion(groupVersion)}/${resource}`;
