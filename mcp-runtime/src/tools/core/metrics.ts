import { KcpStatusError } from '../../kcp/errors.ts';
import { stringAt } from '../../kcp/json.ts';
import { capitalize } from '../../output/text.ts';
import { placeName, resourcePath } from '../../kcp/paths.ts';
import { parseQuantity } from '../../kcp/quantity.ts';
import { ToolError } from '../tool.ts';
import type { Call } from '../tool.ts';

const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1' } as const;
// What the metrics API serves: no discovery needed.
export const POD_METRICS = { ...METRICS, kind: 'PodMetrics', resource: 'pods', namespaced: true } as const;
export const NODE_METRICS = { ...METRICS, kind: 'NodeMetrics', resource: 'nodes', namespaced: false } as const;

export interface MetricsQuery {
  readonly workspace: string | undefined;
  readonly type: typeof POD_METRICS | typeof NODE_METRICS;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly labelSelector?: string | undefined;
}

/**
 * Reads what Pods or nodes use now.
 * @throws {ToolError} where nothing measures it, or doesn't measure this one.
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
 */
export async function getMetrics(query: MetricsQuery, call: Call): Promise<unknown> {
  const { workspace, type, namespace, name, labelSelector } = query;
  try {
    return await call.api.request({
      workspace,
      path: resourcePath({ ...type, namespace, name }),
      query: { labelSelector: name === undefined ? labelSelector : undefined },
      target: { verb: name === undefined ? 'list' : 'get', ...type, namespace, name },
    });
  } catch (error) {
    throw explained(error, query);
  }
}

function explained(error: unknown, { workspace, type, namespace, name }: MetricsQuery): unknown {
  if (!(error instanceof KcpStatusError)) return error;
  const missing = stringAt(error.body, 'details', 'name');
  if (error.status === 404 && name !== undefined && missing === name) {
    const what = type === POD_METRICS ? `Pod ${namespace ?? ''}/${name}` : `node ${name}`;
    return new ToolError(
      `There are no metrics of ${what}: it doesn't exist, doesn't run, or has run for less than a minute.`,
      'not_found',
    );
  }
  // An unknown workspace is a 404 as well, with its name.
  if (error.status === 404 && missing === undefined) {
    return new ToolError(
      `${capitalize(placeName(workspace))} doesn't serve the metrics API (metrics.k8s.io), so what is used isn't known. ` +
        'It comes with metrics-server (https://github.com/kubernetes-sigs/metrics-server), which has to be installed there.',
      'not_found',
    );
  }
  if (error.status === 503) {
    return new ToolError(
      `The metrics API (metrics.k8s.io) is installed in ${placeName(workspace)}, but doesn't answer: see how metrics-server is doing ` +
        '(usually Deployment metrics-server in namespace kube-system).',
      'status_503',
    );
  }
  return error;
}

/** What is used or available of the resources that `kubectl top` shows, in billionths. */
export interface Usage {
  readonly cpu: bigint | undefined;
  readonly memory: bigint | undefined;
  readonly swap: bigint | undefined;
}

/** The quantities in `usage` or `allocatable`. */
export function usageOf(resources: unknown): Usage {
  const [cpu, memory, swap] = ['cpu', 'memory', 'swap'].map((name) => parseQuantity(stringAt(resources, name)));
  return { cpu, memory, swap };
}

export function sumOf(usages: readonly Usage[]): Usage {
  const sum = (key: keyof Usage) => {
    const known = usages.map((usage) => usage[key]).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0n);
  };
  return { cpu: sum('cpu'), memory: sum('memory'), swap: sum('swap') };
}
