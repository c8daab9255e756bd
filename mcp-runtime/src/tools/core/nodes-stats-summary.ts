import * as z from 'zod';
import { KcpStatusError } from '../../kcp/errors.ts';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES, howManyFit } from '../../output/limit.ts';
import { count, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { optionalName } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { NODE, kubeletRequest, nodeArguments } from './nodes.ts';
import { digestNode, digestPods } from './stats-digest.ts';

const ROOM = MAX_TEXT_BYTES - NOTE_BYTES;

export const nodesStatsSummary = defineTool({
  name: 'nodes_stats_summary',
  toolset: 'core',
  title: 'Node: Stats Summary',
  description:
    "Get what a node and its Pods use now, from its kubelet's Summary API: CPU, memory, filesystems, network, processes, and pressure " +
    '(PSI) where the kernel tells. The Pods that use most memory come first.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    ...nodeArguments,
    namespace: optionalName('Only Pods of this namespace (default: all)'),
    detail: z
      .enum(['digest', 'full'])
      .optional()
      .describe('digest: what matters, in readable units (default); full: all that kubelet measures, as it says it'),
  }),
  touches: [NODE],
  async handle({ namespace, detail = 'digest', ...node }, call) {
    const summary = await call.api.request(kubeletRequest(node, 'stats/summary', call)).catch((error: unknown) => {
      throw explained(error, node.name);
    });
    const pods = arrayAt(summary, 'pods').filter(
      (pod) => namespace === undefined || stringAt(pod, 'podRef', 'namespace') === namespace,
    );
    if (detail === 'full') return toolResult(toYaml({ ...(summary as object), pods }));
    const head = toYaml(digestNode(summary));
    const entries = digestPods(pods).map((pod) => toYaml([pod]));
    const title = pods.length === 0 ? 'pods: []' : 'pods:';
    const fit = howManyFit([head, title, ...entries], ROOM) - 2;
    const note =
      fit < entries.length
        ? [
            `# [cut after ${count(fit, 'Pod')}: ${entries.length - fit} more, which use less memory; name a namespace for the others]`,
          ]
        : [];
    return toolResult([head, title, ...entries.slice(0, fit), ...note].join('\n'));
  },
});

/** A kubelet that doesn't serve it answers without a Status. */
function explained(error: unknown, node: string): unknown {
  const absent =
    error instanceof KcpStatusError && error.status === 404 && stringAt(error.body, 'details', 'name') === undefined;
  return absent ? new ToolError(`The kubelet of node ${node} doesn't serve its Summary API.`, 'not_found') : error;
}
