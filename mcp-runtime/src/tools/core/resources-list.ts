import * as z from 'zod';
import { pageArguments } from '../../output/paginate.ts';
import {
  fieldSelectorArgument,
  labelSelectorArgument,
  outputArgument,
  workspaceArgument,
  placeOf,
} from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { kindArguments, resolveKind } from './kind.ts';
import { listObjects } from './list.ts';

export const resourcesList = defineTool({
  name: 'resources_list',
  toolset: 'core',
  title: 'Resources: List',
  description:
    'List the objects of one kind in a kcp workspace, by apiVersion and kind, optionally of one namespace or matching a selector. ' +
    'Values of Secrets are not shown.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    ...kindArguments,
    namespace: z
      .string()
      .optional()
      .describe('Namespace to look into; default: all. Of no account for kinds without namespaces'),
    labelSelector: labelSelectorArgument,
    fieldSelector: fieldSelectorArgument,
    ...pageArguments,
    output: outputArgument,
  }),
  async handle({ apiVersion, kind, namespace, ...query }, call) {
    const workspace = placeOf(query.workspace, call);
    call.audit({ object: `${kind} (${apiVersion})` });
    const type = await resolveKind({ apiVersion, kind }, workspace, 'list', call);
    return listObjects({ ...query, workspace, type, namespace: type.namespaced ? namespace : undefined }, call);
  },
});
