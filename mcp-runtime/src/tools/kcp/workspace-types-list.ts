import * as z from 'zod';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { pageArguments } from '../../output/paginate.ts';
import { age } from '../../output/table.ts';
import { outputArgument, workspaceArgument, workspaceOf } from '../arguments.ts';
import { listObjects } from '../core/list.ts';
import type { Columns } from '../core/list.ts';
import { defineTool } from '../tool.ts';
import { WORKSPACE_TYPE } from './kinds.ts';

const COLUMNS: Columns = {
  Name: (type) => stringAt(type, 'metadata', 'name'),
  Type: (type) =>
    [stringAt(type, 'metadata', 'annotations', 'kcp.io/path'), stringAt(type, 'metadata', 'name')]
      .filter((part) => part !== undefined)
      .join(':'),
  Extends: (type) => references(arrayAt(type, 'spec', 'extend', 'with')),
  Children: (type) => references(arrayAt(type, 'spec', 'limitAllowedChildren', 'types')),
  Parents: (type) => references(arrayAt(type, 'spec', 'limitAllowedParents', 'types')),
  Age: (type, now) => age(stringAt(type, 'metadata', 'creationTimestamp'), now),
};

export const workspaceTypesList = defineTool({
  name: 'kcp_workspace_types_list',
  toolset: 'kcp',
  title: 'kcp: Workspace Types List',
  description:
    'List the WorkspaceTypes that a kcp workspace defines: what new workspaces can be made of (kcp_workspace_create). Those of the whole installation are in root.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({ workspace: workspaceArgument, ...pageArguments, output: outputArgument }),
  touches: [WORKSPACE_TYPE],
  kcpOnly: true,
  handle: ({ workspace, ...query }, call) =>
    listObjects({ ...query, workspace: workspaceOf(workspace, call), type: WORKSPACE_TYPE, columns: COLUMNS }, call),
});

/** `root:universal, root:team`; undefined where there is no limit. */
function references(types: readonly unknown[]): string | undefined {
  const names = types.map((type) =>
    [stringAt(type, 'path'), stringAt(type, 'name')].filter((part) => part !== undefined).join(':'),
  );
  return names.length === 0 ? undefined : names.join(', ');
}
