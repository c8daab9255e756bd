/** Which Deployments an autoscaler scales. */
import { HORIZONTAL_POD_AUTOSCALER } from '../api/external.ts';
import { keyOf, type InformerOptions, type KubeObject } from '../kube/index.ts';
import { KindCache } from './kind-cache.ts';
import type { HorizontalPodAutoscaler } from './objects.ts';

/**
 * All autoscalers of the namespaces, since nothing but their spec says which are about our Deployments; with the index
 * `target`, by key of the Deployment.
 *
 * @param wake called with the key of a Deployment that an autoscaler took up or let go
 */
export function createAutoscalers(
  namespaces: readonly string[],
  options: Pick<InformerOptions<KubeObject>, 'client' | 'logger' | 'timings'>,
  wake: (deployment: string) => void,
): KindCache<HorizontalPodAutoscaler> {
  const cache = new KindCache<HorizontalPodAutoscaler>(namespaces, {
    ...options,
    resource: HORIZONTAL_POD_AUTOSCALER,
    transform: targetOnly,
    indexers: { target: targetsOf },
  });
  const wakeTargets = (autoscaler: HorizontalPodAutoscaler): void => {
    targetsOf(autoscaler).forEach(wake);
  };
  cache.on({
    onAdd: wakeTargets,
    // Its controller writes its status every few seconds.
    onUpdate: (before, after) => {
      if (targetsOf(before)[0] === targetsOf(after)[0]) return;
      wakeTargets(before);
      wakeTargets(after);
    },
    onDelete: wakeTargets,
  });
  return cache;
}

function targetsOf({ metadata, spec }: HorizontalPodAutoscaler): string[] {
  const { apiVersion = '', kind, name } = spec?.scaleTargetRef ?? {};
  if (kind !== 'Deployment' || !apiVersion.startsWith('apps/') || name === undefined) return [];
  return [keyOf({ namespace: metadata.namespace, name })];
}

function targetOnly(autoscaler: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { apiVersion, kind, metadata, spec } = autoscaler;
  const { managedFields: _, annotations: __, ...rest } = metadata;
  const { scaleTargetRef } = spec ?? {};
  return { apiVersion, kind, metadata: rest, ...(scaleTargetRef && { spec: { scaleTargetRef } }) };
}
