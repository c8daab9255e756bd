import { crdNameOf, CUSTOM_RESOURCE_DEFINITION } from '../api/external.ts';
import {
  createInformer,
  type Informer,
  type KubeClient,
  type KubeObject,
  type Logger,
  type Resource,
} from '../kube/index.ts';

/** Tells when the CRD of a kind of others comes, changes or goes. */
export function watchCRD(
  common: { client: KubeClient; logger?: Logger },
  resource: Resource,
  onChange: () => void,
): Informer<KubeObject> {
  const informer = createInformer<KubeObject>({
    ...common,
    resource: CUSTOM_RESOURCE_DEFINITION,
    name: crdNameOf(resource),
    metadataOnly: true,
  });
  informer.on({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  return informer;
}
