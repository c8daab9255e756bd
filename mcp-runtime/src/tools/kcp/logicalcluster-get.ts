import * as z from 'zod';
import { resourcePath } from '../../kcp/paths.ts';
import { presentable } from '../../output/redact.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { workspaceArgument, workspaceOf } from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { LOGICAL_CLUSTER, LOGICAL_CLUSTER_NAME } from './kinds.ts';

export const logicalclusterGet = defineTool({
  name: 'kcp_logicalcluster_get',
  toolset: 'kcp',
  title: 'kcp: Logical Cluster Get',
  description:
    'Get the LogicalCluster object of a kcp workspace as YAML: its owner, initializers, phase, conditions and URL as the workspace itself has them.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({ workspace: workspaceArgument }),
  touches: [LOGICAL_CLUSTER],
  kcpOnly: true,
  async handle(args, call) {
    const workspace = workspaceOf(args.workspace, call);
    const target = { verb: 'get', ...LOGICAL_CLUSTER, name: LOGICAL_CLUSTER_NAME };
    const object = await call.api.request({ workspace, path: resourcePath(target), target });
    return toolResult(toYaml(presentable(object)));
  },
});
