import { patchObject } from './objects.ts';
import { followCollection } from './informer.ts';
import { PlaneError } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';

interface Condition {
  type: string;
  status: string;
}

interface CustomResourceDefinition {
  metadata: { name: string; resourceVersion: string };
  status?: { conditions?: Condition[] };
}

export const crdCollection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/**
 * Establishes CRDs as soon as their names are accepted. A generic control plane takes itself for one of three and waits
 * 5 s with it, and then 2 s with the first object, for the sake of the others; kcp doesn't.
 */
export async function establishCRDs(client: PlaneClient, plane: Plane): Promise<void> {
  const look = (crd: CustomResourceDefinition): void => {
    const conditions = crd.status?.conditions ?? [];
    if (!isTrue(conditions, 'NamesAccepted') || isTrue(conditions, 'Established')) return;
    establish(client, plane, crd.metadata.name, conditions).catch((error: unknown) => {
      // Deleted meanwhile; or its plane is.
      if (!plane.signal.aborted && !(error instanceof PlaneError && error.code === 404)) console.error(error);
    });
  };
  const handler = {
    listed: (items: CustomResourceDefinition[]): void => {
      items.forEach(look);
    },
    changed: (type: string, crd: CustomResourceDefinition): void => {
      if (type !== 'DELETED') look(crd);
    },
  };
  await followCollection<CustomResourceDefinition>(client, plane, crdCollection, handler);
}

async function establish(client: PlaneClient, plane: Plane, name: string, conditions: Condition[]): Promise<void> {
  const established = {
    type: 'Established',
    status: 'True',
    // Long enough ago for the first object not to be held up.
    lastTransitionTime: new Date(Date.now() - 10_000).toISOString().replace(/\.\d+Z$/, 'Z'),
    reason: 'InitialNamesAccepted',
    message: 'the initial names have been accepted',
  };
  const status = { conditions: [...conditions.filter(({ type }) => type !== 'Established'), established] };
  await patchObject(client, plane, `${crdCollection}/${name}/status`, { status });
}

function isTrue(conditions: Condition[], type: string): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}
