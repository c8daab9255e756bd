import * as z from 'zod';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { pageArguments } from '../../output/paginate.ts';
import { age } from '../../output/table.ts';
import { labelSelectorArgument, outputArgument, workspaceArgument, workspaceOf } from '../arguments.ts';
import { listObjects } from '../core/list.ts';
import type { Columns } from '../core/list.ts';
import { defineTool } from '../tool.ts';
import { API_EXPORT, resolveApiKind } from './kinds.ts';

const COLUMNS: Columns = {
  Name: (api) => stringAt(api, 'metadata', 'name'),
  Resources: resourcesOf,
  Claims: claimsOf,
  Age: (api, now) => age(stringAt(api, 'metadata', 'creationTimestamp'), now),
};

export const apiexportsList = defineTool({
  name: 'kcp_apiexports_list',
  toolset: 'kcp',
  title: 'kcp: API Exports List',
  description:
    'List the APIExports of a kcp workspace: the APIs that other workspaces can bind (kcp_apibinding_create), their resources, and what they claim in workspaces that bind them.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    labelSelector: labelSelectorArgument,
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [API_EXPORT],
  kcpOnly: true,
  async handle({ workspace: wanted, ...query }, call) {
    const workspace = workspaceOf(wanted, call);
    const type = await resolveApiKind(API_EXPORT.kind, workspace, call);
    return listObjects({ ...query, workspace, type, columns: COLUMNS }, call);
  },
});

/** v1alpha2 names resources and groups; v1alpha1 names schemas: `v1.widgets.example.com`. */
function resourcesOf(api: unknown): string | undefined {
  const resources = arrayAt(api, 'spec', 'resources').map((resource) => qualified(resource, 'name'));
  const schemas = arrayAt(api, 'spec', 'latestResourceSchemas').map((name) => String(name).replace(/^[^.]*\./, ''));
  const all = [...resources, ...schemas];
  return all.length === 0 ? undefined : all.sort().join(', ');
}

function claimsOf(api: unknown): string | undefined {
  const claims = arrayAt(api, 'spec', 'permissionClaims').map((claim) => qualified(claim, 'resource'));
  return claims.length === 0 ? undefined : claims.sort().join(', ');
}

function qualified(value: unknown, field: string): string {
  return [stringAt(value, field), stringAt(value, 'group')].filter((part) => part !== undefined).join('.');
}
