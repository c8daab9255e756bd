import * as z from 'zod';
import { KcpStatusError } from '../../kcp/errors.ts';
import { arrayAt, at, numberAt, stringAt } from '../../kcp/json.ts';
import { checkName, placeName, resourcePath } from '../../kcp/paths.ts';
import { formatCpu, formatMemory, percentOf } from '../../kcp/quantity.ts';
import { renderTable } from '../../output/table.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { labelSelectorArgument, optionalName, placeOf, workspaceArgument } from '../arguments.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { NODE_METRICS, getMetrics, usageOf } from './metrics.ts';
import type { Usage } from './metrics.ts';
import { NODE } from './nodes.ts';
import { eachPage } from './pages.ts';

/** A node with the images that it has is 20 KiB or so. */
const BOUNDS = { pageSize: 50, max: 5_000 };

export const nodesTop = defineTool({
  name: 'nodes_top',
  toolset: 'core',
  title: 'Nodes: Top',
  description:
    'Show how much CPU and memory nodes use now, and how much that is of what they have for Pods, as measured by metrics-server.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    name: optionalName('Name of one node (default: all)'),
    label_selector: labelSelectorArgument.describe(
      "Kubernetes label selector, such as 'node-role.kubernetes.io/worker='; of no account where name is given",
    ),
  }),
  touches: [NODE_METRICS, NODE],
  async handle({ name, label_selector: labelSelector, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    if (name !== undefined) {
      checkName(name, 'name');
      call.audit({ object: `NodeMetrics (metrics.k8s.io/v1beta1) ${name}` });
    }
    const answer = await getMetrics({ workspace, type: NODE_METRICS, name, labelSelector }, call);
    const used = new Map<string, Usage>(
      (name === undefined ? arrayAt(answer, 'items') : [answer]).map((each) => [
        stringAt(each, 'metadata', 'name') ?? '',
        usageOf(at(each, 'usage')),
      ]),
    );
    const available = await availableOn({ workspace, name, labelSelector }, call);
    const nodes = [...new Set([...used.keys(), ...(available?.keys() ?? [])])].sort();
    if (nodes.length === 0) {
      const which = labelSelector === undefined ? '' : ' that the selector matches';
      return toolResult(`There are no nodes${which} in ${placeName(workspace)}.`);
    }
    const note =
      available === undefined ? ['[what the nodes have is not known: the caller may not list nodes (403)]'] : [];
    return toolResult([...render(nodes, used, available), ...note].join('\n'));
  },
});

interface NodeQuery {
  readonly workspace: string | undefined;
  readonly name: string | undefined;
  readonly labelSelector: string | undefined;
}

/** What Pods can have on each node; undefined where the caller may not read nodes. */
async function availableOn(query: NodeQuery, call: Call): Promise<Map<string, Usage> | undefined> {
  const { workspace, name, labelSelector } = query;
  const found = new Map<string, Usage>();
  const take = (node: unknown) => {
    // Swap isn't for Pods to have; kubectl compares with what the node has of it.
    const swap = numberAt(node, 'status', 'nodeInfo', 'swap', 'capacity');
    const allocatable = usageOf(at(node, 'status', 'allocatable'));
    const nano = swap === undefined ? undefined : BigInt(Math.trunc(swap)) * 1_000_000_000n;
    found.set(stringAt(node, 'metadata', 'name') ?? '', { ...allocatable, swap: nano });
  };
  const request = { workspace, path: resourcePath({ ...NODE, name }), query: { labelSelector } };
  const target = { verb: name === undefined ? 'list' : 'get', ...NODE, name };
  try {
    if (name !== undefined) take(await call.api.request({ workspace, path: request.path, target }));
    else await eachPage({ ...request, target }, BOUNDS, call, (items) => { items.forEach(take); }); // prettier-ignore
    return found;
  } catch (error) {
    if (error instanceof KcpStatusError && error.status === 403) return undefined;
    throw error;
  }
}

/** The columns of `kubectl top nodes`. */
function render(
  nodes: readonly string[],
  used: ReadonlyMap<string, Usage>,
  available: ReadonlyMap<string, Usage> | undefined,
): string[] {
  const withSwap = [...used.values()].some(({ swap }) => swap !== undefined);
  const resources = [
    ['cpu', formatCpu],
    ['memory', formatMemory],
    ...(withSwap ? ([['swap', formatMemory]] as const) : []),
  ] as const;
  const rows = nodes.map((name) => [
    shorten(name, 253),
    ...resources.flatMap(([resource, format]) => {
      const value = used.get(name)?.[resource];
      const whole = available?.get(name)?.[resource];
      if (value === undefined) return ['<unknown>', '<unknown>'];
      return [format(value), whole === undefined ? '-' : `${percentOf(value, whole)}%`];
    }),
  ]);
  const columns = [
    'CPU(cores)',
    'CPU(%)',
    'Memory(bytes)',
    'Memory(%)',
    ...(withSwap ? ['Swap(bytes)', 'Swap(%)'] : []),
  ];
  return renderTable({ columns: ['Name', ...columns], rows });
}
