import * as z from 'zod';
import { checkName } from '../../kcp/paths.ts';
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

export const podsListInNamespace = defineTool({
  name: 'pods_list_in_namespace',
  toolset: 'core',
  title: 'Pods: List in Namespace',
  description: 'List the Pods of one namespace, optionally those that match a label or field selector.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    namespace: z.string().describe('Namespace to list the Pods of'),
    labelSelector: labelSelectorArgument,
    fieldSelector: fieldSelectorArgument.describe(podFieldSelectorHelp),
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [POD],
  handle({ workspace, namespace, ...query }, call) {
    checkName(namespace, 'namespace');
    return listObjects({ ...query, workspace: placeOf(workspace, call), namespace, type: POD }, call);
  },
});
