import * as z from 'zod';
import { pageArguments } from '../../output/paginate.ts';
import { fieldSelectorArgument, outputArgument, workspaceArgument, placeOf } from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { listObjects } from './list.ts';

// What every workspace serves: no discovery needed.
const NAMESPACES = { group: '', version: 'v1', kind: 'Namespace', resource: 'namespaces', namespaced: false } as const;

export const namespacesList = defineTool({
  name: 'namespaces_list',
  toolset: 'core',
  title: 'Namespaces: List',
  description: 'List the Kubernetes namespaces.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    fieldSelector: fieldSelectorArgument,
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [NAMESPACES],
  handle: ({ workspace, ...query }, call) =>
    listObjects({ ...query, workspace: placeOf(workspace, call), type: NAMESPACES }, call),
});
