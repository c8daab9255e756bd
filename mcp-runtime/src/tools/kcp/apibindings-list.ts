import * as z from 'zod';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { pageArguments } from '../../output/paginate.ts';
import { age } from '../../output/table.ts';
import { labelSelectorArgument, outputArgument, workspaceArgument, workspaceOf } from '../arguments.ts';
import { listObjects } from '../core/list.ts';
import type { Columns } from '../core/list.ts';
import { defineTool } from '../tool.ts';
import { API_BINDING, resolveApiKind } from './kinds.ts';

const COLUMNS: Columns = {
  Name: (binding) => stringAt(binding, 'metadata', 'name'),
  Export: exportOf,
  Phase: (binding) => stringAt(binding, 'status', 'phase'),
  Resources: boundResources,
  Age: (binding, now) => age(stringAt(binding, 'metadata', 'creationTimestamp'), now),
};

export const apibindingsList = defineTool({
  name: 'kcp_apibindings_list',
  toolset: 'kcp',
  title: 'kcp: API Bindings List',
  description:
    'List the APIBindings of a kcp workspace: which APIs it has got from which exports, whether they are bound, and the resources that came with them.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    labelSelector: labelSelectorArgument,
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [API_BINDING],
  kcpOnly: true,
  async handle({ workspace: wanted, ...query }, call) {
    const workspace = workspaceOf(wanted, call);
    const type = await resolveApiKind(API_BINDING.kind, workspace, call);
    return listObjects({ ...query, workspace, type, columns: COLUMNS }, call);
  },
});

/** The export that a binding refers to: `root:apis/widgets.example.com`. */
export function exportOf(binding: unknown): string | undefined {
  const name = stringAt(binding, 'spec', 'reference', 'export', 'name');
  const path = stringAt(binding, 'spec', 'reference', 'export', 'path');
  return path === undefined || name === undefined ? name : `${path}/${name}`;
}

/** `workspaces.tenancy.kcp.io, …` */
export function boundResources(binding: unknown): string | undefined {
  const resources = arrayAt(binding, 'status', 'boundResources').map((bound) =>
    [stringAt(bound, 'resource'), stringAt(bound, 'group')].filter((part) => part !== undefined).join('.'),
  );
  return resources.length === 0 ? undefined : resources.sort().join(', ');
}
