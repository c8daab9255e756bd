import * as z from 'zod';
import { checkName, resourcePath } from '../../kcp/paths.ts';
import { presentable } from '../../output/redact.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { placeOf, workspaceArgument } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { fieldManager } from './apply.ts';
import { kindArguments, objectArguments, resolveKind } from './kind.ts';

export const resourcesScale = defineTool({
  name: 'resources_scale',
  toolset: 'core',
  title: 'Resources: Scale',
  description:
    'Get or set the number of replicas of an object, by apiVersion, kind and name, and its namespace where the kind has namespaces. ' +
    'With scale it is set, without it only read. The answer is the scale as it then is.',
  annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    ...kindArguments,
    ...objectArguments,
    scale: z.int().min(0).max(2_147_483_647).optional().describe('Number of replicas to set; left out: only read'),
  }),
  async handle({ apiVersion, kind, name, scale, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    checkName(name, 'name');
    call.audit({
      object: `${kind} (${apiVersion}) ${args.namespace === undefined ? '' : `${args.namespace}/`}${name}`,
    });
    const type = await resolveKind({ apiVersion, kind }, workspace, 'get', call);
    if (!type.subresources.includes('scale')) {
      throw new ToolError(`Objects of kind ${type.kind} (${apiVersion}) have no scale here.`, 'invalid');
    }
    const namespace = type.namespaced ? (args.namespace ?? 'default') : undefined;
    const target = { verb: scale === undefined ? 'get' : 'patch', ...type, namespace, name, subresource: 'scale' };
    const answer = await call.api.request({
      workspace,
      path: resourcePath(target),
      ...(scale !== undefined && {
        method: 'PATCH',
        query: { fieldManager: fieldManager(call) },
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { spec: { replicas: scale } },
      }),
      target,
    });
    return toolResult(`# Current scale\n${toYaml(presentable(answer))}`);
  },
});
