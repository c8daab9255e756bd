/** Which KcpMcpServer a child belongs to. */
import { KIND } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject } from '../kube/index.ts';
import { SERVER_LABEL } from '../resources/names.ts';
import type { KindCache } from './kind-cache.ts';

/** Wakes the KcpMcpServer of each child that comes, changes or goes by another hand than ours. */
export function wakeOwners(cache: KindCache<KubeObject>, wake: (key: string, version?: string) => void): void {
  const wakeOwner = (object: KubeObject, version?: string): void => {
    for (const owner of ownersOf(object)) wake(owner, version);
  };
  cache.on({
    // Whoever applied a child goes on with the answer to that, and knows its version if the watch told of it first.
    onAdd: (object, own) => {
      if (!own) wakeOwner(object, object.metadata.resourceVersion);
    },
    onUpdate: (before, after, own) => {
      if (own) return;
      wakeOwner(before, after.metadata.resourceVersion);
      wakeOwner(after, after.metadata.resourceVersion);
    },
    onDelete: (object) => {
      wakeOwner(object);
    },
  });
}

/** Key of the KcpMcpServer that an object belongs to, as a list. */
export function ownersOf(object: KubeObject | undefined): string[] {
  if (!object) return [];
  const { namespace, ownerReferences, labels } = object.metadata;
  const owner = ownerReferences?.find(({ controller, kind }) => controller && kind === KIND)?.name;
  const name = owner ?? labels?.[SERVER_LABEL];
  return name === undefined ? [] : [keyOf({ namespace, name })];
}
