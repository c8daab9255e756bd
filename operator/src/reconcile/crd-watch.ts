import { crdNameOf, CUSTOM_RESOURCE_DEFINITION } from '../api/external.ts';
import {
  createInformer,
  type Informer,
  type KubeClient,
  type KubeObject,
  type Logger,
  type Resource,
} from '../kube/index.ts';

/** The API server takes a change of a CRD up a moment after it tells of it, and of a new version it tells once. */
const AGAIN_MS = 1_000;

/**
 * Watches the CRD of a kind of others, so that the kind is noticed at once when it, or the version that is read, comes or
 * goes: whoever waits for it asks seldom.
 */
export function watchCRD(
  common: { client: KubeClient; logger?: Logger },
  resource: Resource,
  kind: { poke(): void },
): Informer<KubeObject> {
  const informer = createInformer<KubeObject>({
    ...common,
    resource: CUSTOM_RESOURCE_DEFINITION,
    name: crdNameOf(resource),
    metadataOnly: true,
  });
  const onChange = (): void => {
    kind.poke();
    setTimeout(() => {
      kind.poke();
    }, AGAIN_MS).unref();
  };
  informer.on({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  return informer;
}
