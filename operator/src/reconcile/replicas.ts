/** Who says how many Pods there are: the spec, or whoever scales the Deployment. */
import { DEPLOYMENT } from '../api/external.ts';
import { FIELD_MANAGER } from '../resources/names.ts';
import { ownedBy } from '../kube/apply.ts';
import { keyOf } from '../kube/index.ts';
import { childNames } from '../resources/index.ts';
import type { Deployment, HorizontalPodAutoscaler } from './objects.ts';
import { ownChild, type Run } from './run.ts';

/** The autoscaler of the Deployment; of several the first by name. */
export function autoscalerOf({ server, caches }: Pick<Run, 'server' | 'caches'>): HorizontalPodAutoscaler | undefined {
  const { namespace, name } = server.metadata;
  const target = keyOf({ namespace, name: childNames(name).workload });
  return caches.autoscalers
    .byIndex('target', target)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .at(0);
}

/** Whether the Deployment has more than one Pod by now, whoever wants them. */
export function hasSeveralPods(run: Run): boolean {
  return (deploymentOf(run)?.spec?.replicas ?? 1) > 1;
}

/** The Deployment as this reconcile left it, if it is ours. */
export const deploymentOf = (run: Run): Deployment | undefined =>
  ownChild(run, DEPLOYMENT, childNames(run.server.metadata.name).workload);

/**
 * What to apply as `spec.replicas` of the Deployment. An autoscaler goes before the spec: the two would undo each other
 * without end. Where others are to say how many, a number that is still ours is kept until they have said another one; to
 * leave it out before would make it 1.
 *
 * @param live the Deployment, if it is ours
 * @returns undefined: leave it out
 */
export function replicasOf(
  wanted: number | undefined,
  isAutoscaled: boolean,
  live: Deployment | undefined,
): number | undefined {
  if (wanted !== undefined && !isAutoscaled) return wanted;
  // A beginning for the autoscaler.
  if (!live) return wanted;
  const owned = ownedBy(FIELD_MANAGER, live)?.fieldsV1?.['f:spec'] as Record<string, unknown> | undefined;
  return owned && 'f:replicas' in owned ? live.spec?.replicas : undefined;
}
