import * as z from 'zod';
import { arrayAt, at, stringAt } from '../../kcp/json.ts';
import { checkName, placeName } from '../../kcp/paths.ts';
import { formatCpu, formatMemory } from '../../kcp/quantity.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES, howManyFit } from '../../output/limit.ts';
import { renderTable } from '../../output/table.ts';
import { count, shorten, toolResult } from '../../output/text.ts';
import { labelSelectorArgument, optionalName, placeOf, workspaceArgument } from '../arguments.ts';
import { defineTool } from '../tool.ts';
import { POD_METRICS, getMetrics, sumOf, usageOf } from './metrics.ts';
import type { Usage } from './metrics.ts';
import { DEFAULT_NAMESPACE, POD } from './pods.ts';

const ROOM = MAX_TEXT_BYTES - NOTE_BYTES;

export const podsTop = defineTool({
  name: 'pods_top',
  toolset: 'core',
  title: 'Pods: Top',
  description:
    'Show how much CPU and memory Pods use now, by container and in total, as measured by metrics-server: of all namespaces, of one ' +
    'namespace, or of one Pod.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    all_namespaces: z
      .boolean()
      .optional()
      .describe(
        `All namespaces, where neither namespace nor name is given (default true; false: "${DEFAULT_NAMESPACE}")`,
      ),
    namespace: optionalName('Namespace of the Pods'),
    name: optionalName(`Name of one Pod, in namespace (default: "${DEFAULT_NAMESPACE}")`),
    label_selector: labelSelectorArgument.describe(
      "Kubernetes label selector, such as 'app=web,env!=dev'; of no account where name is given",
    ),
  }),
  touches: [POD_METRICS, POD],
  async handle({ all_namespaces: all = true, name, label_selector: labelSelector, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    const namespace = args.namespace ?? (all && name === undefined ? undefined : DEFAULT_NAMESPACE);
    if (namespace !== undefined) checkName(namespace, 'namespace');
    if (name !== undefined) {
      checkName(name, 'name');
      call.audit({ object: `PodMetrics (metrics.k8s.io/v1beta1) ${namespace ?? ''}/${name}` });
    }
    const answer = await getMetrics({ workspace, type: POD_METRICS, namespace, name, labelSelector }, call);
    const pods = (name === undefined ? arrayAt(answer, 'items') : [answer]).map(measured).sort(byName);
    if (pods.length === 0) {
      const where = `${namespace === undefined ? '' : `namespace ${namespace} of `}${placeName(workspace)}`;
      const which = labelSelector === undefined ? '' : ' that the selector matches';
      return toolResult(
        `There are no metrics of Pods${which} in ${where}: Pods have them a minute after they begin to run.`,
      );
    }
    return toolResult(render(pods));
  },
});

interface Measured {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

function measured(metrics: unknown): Measured {
  return {
    namespace: shorten(stringAt(metrics, 'metadata', 'namespace') ?? '', 100),
    name: shorten(stringAt(metrics, 'metadata', 'name') ?? '', 253),
    containers: arrayAt(metrics, 'containers')
      .map((each) => ({
        name: shorten(stringAt(each, 'name') ?? '', 100),
        usage: usageOf(at(each, 'usage')),
      }))
      .sort((a, b) => compare(a.name, b.name)),
  };
}

function byName(a: Measured, b: Measured): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A row for each container, one more for a Pod that has several, and the sum of all. */
function render(pods: readonly Measured[]): string {
  const usages = pods.flatMap(({ containers }) => containers.map(({ usage }) => usage));
  const withSwap = usages.some(({ swap }) => swap !== undefined);
  const cells = ({ cpu, memory, swap }: Usage) => [
    cpu === undefined ? '-' : formatCpu(cpu),
    memory === undefined ? '-' : formatMemory(memory),
    ...(withSwap ? [swap === undefined ? '-' : formatMemory(swap)] : []),
  ];
  const rows = pods.flatMap(({ namespace, name, containers }) => {
    const own = containers.map((each) => [namespace, name, each.name, ...cells(each.usage)]);
    const total = ['(all)', ...cells(sumOf(containers.map(({ usage }) => usage)))];
    return containers.length > 1 ? [...own, [namespace, name, ...total]] : own;
  });
  const columns = ['Namespace', 'Pod', 'Name', 'CPU(cores)', 'Memory(bytes)', ...(withSwap ? ['Swap(bytes)'] : [])];
  const sum = ['TOTAL', count(pods.length, 'Pod'), '', ...cells(sumOf(usages))];
  const [header = '', total = '', ...lines] = renderTable({ columns, rows: [sum, ...rows] });
  const fit = howManyFit(lines, ROOM - Buffer.byteLength(header) - Buffer.byteLength(total) - 2);
  const note =
    fit === lines.length
      ? []
      : [`[cut after ${fit} rows: ${lines.length - fit} more follow; name a namespace or a label_selector]`];
  return [header, ...lines.slice(0, fit), total, ...note].join('\n');
}
