import * as z from 'zod';
import { KcpStatusError } from '../../kcp/errors.ts';
import { stringAt } from '../../kcp/json.ts';
import { placeName } from '../../kcp/paths.ts';
import { pageArguments } from '../../output/paginate.ts';
import { capitalize } from '../../output/text.ts';
import {
  fieldSelectorArgument,
  labelSelectorArgument,
  outputArgument,
  placeOf,
  workspaceArgument,
} from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { listObjects } from './list.ts';

const PROJECT = {
  group: 'project.openshift.io',
  version: 'v1',
  kind: 'Project',
  resource: 'projects',
  namespaced: false,
} as const;

export const projectsList = defineTool({
  name: 'projects_list',
  toolset: 'core',
  title: 'Projects: List',
  description:
    'List the OpenShift projects that the caller has access to. Only OpenShift has them; elsewhere there are namespaces.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    labelSelector: labelSelectorArgument,
    fieldSelector: fieldSelectorArgument,
    ...pageArguments,
    output: outputArgument,
  }),
  touches: [PROJECT],
  async handle({ workspace, ...query }, call) {
    const place = placeOf(workspace, call);
    try {
      return await listObjects({ ...query, workspace: place, type: PROJECT }, call);
    } catch (error) {
      // An unknown workspace is a 404 as well, with its name.
      const absent =
        error instanceof KcpStatusError &&
        error.status === 404 &&
        stringAt(error.body, 'details', 'name') === undefined;
      if (!absent) throw error;
      throw new ToolError(
        `${capitalize(placeName(place))} is not OpenShift: it has no projects (project.openshift.io). namespaces_list lists its namespaces.`,
        'not_found',
      );
    }
  },
});
