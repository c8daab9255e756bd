import { frontIdentity, PlaneError } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';

/** A Kubernetes object as far as this folder builds them. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    uid?: string;
    namespace?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    finalizers?: string[];
    ownerReferences?: object[];
  };
  [field: string]: unknown;
}

export interface ObjectWithStatus extends KubeObject {
  status: object;
}

/** Creates an object unless it is there. */
export async function createObject(
  client: PlaneClient,
  plane: Plane,
  collection: string,
  body: object,
): Promise<unknown> {
  try {
    return await client.json(plane.url, frontIdentity, {
      method: 'POST',
      path: `${collection}?fieldManager=kcp`,
      body,
    });
  } catch (error) {
    if (error instanceof PlaneError && error.code === 409) return undefined;
    throw error;
  }
}

/** Merges fields into an object, or into its status. */
export async function patchObject(client: PlaneClient, plane: Plane, path: string, body: object): Promise<unknown> {
  return client.json(plane.url, frontIdentity, {
    method: 'PATCH',
    path: `${path}?fieldManager=kcp`,
    body,
    contentType: 'application/merge-patch+json',
  });
}

/** Creates an object, and sets its status. */
export async function createWithStatus(
  client: PlaneClient,
  plane: Plane,
  collection: string,
  { status, ...object }: ObjectWithStatus,
): Promise<void> {
  await createObject(client, plane, collection, object);
  await patchObject(client, plane, `${collection}/${object.metadata.name}/status`, { status });
}
