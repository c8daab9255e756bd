import * as z from 'zod';
import { checkName, resourcePath } from '../../kcp/paths.ts';
import { presentable } from '../../output/redact.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { workspaceArgument, placeOf } from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { kindArguments, objectArguments, resolveKind } from './kind.ts';

export const resourcesGet = defineTool({
  name: 'resources_get',
  toolset: 'core',
  title: 'Resources: Get',
  description:
    'Get one object in a kcp workspace as YAML, by apiVersion, kind and name, and its namespace where the kind has namespaces. ' +
    'Values of Secrets are not shown.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    ...kindArguments,
    ...objectArguments,
  }),
  async handle({ apiVersion, kind, name, ...place }, call) {
    const workspace = placeOf(place.workspace, call);
    checkName(name, 'name');
    call.audit({
      object: `${kind} (${apiVersion}) ${place.namespace === undefined ? '' : `${place.namespace}/`}${name}`,
    });
    const type = await resolveKind({ apiVersion, kind }, workspace, 'get', call);
    const namespace = type.namespaced ? (place.namespace ?? 'default') : undefined;
    const object = await call.api.request({
      workspace,
      path: resourcePath({ ...type, namespace, name }),
      target: { verb: 'get', ...type, namespace, name },
    });
    return toolResult(toYaml(presentable(object, type.kind)));
  },
});
