import * as z from 'zod';
import { pageArguments } from '../../output/paginate.ts';
import {
  fieldSelectorArgument,
  labelSelectorArgument,
  outputArgument,
  placeOf,
  workspaceArgument,
} from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { listObjects } from './list.ts';
import { POD, podFieldSelectorHelp } from './pods.ts';

export const podsList = defineTool({
  name: 'pods_list',
  toolset: 'core',
  title: 'Pods: List',
  description: 'List the Pods in all namespaces, optionally those that match a label or field selector.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    labelSelector: labelSelectorArgument,
    fieldSelector: fieldSelectorArgument.describe(podFieldSelectorHelp),
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [POD],
  handle: ({ workspace, ...query }, call) =>
    listObjects({ ...query, workspace: placeOf(workspace, call), type: POD }, call),
});
