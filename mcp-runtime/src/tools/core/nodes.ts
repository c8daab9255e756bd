import * as z from 'zod';
import type { ApiRequest } from '../caller-api.ts';
import { InvalidPathError, resourcePath } from '../../kcp/paths.ts';
import { placeOf, workspaceArgument } from '../arguments.ts';
import type { Call } from '../tool.ts';

// What every cluster with nodes serves: no discovery needed.
export const NODE = { group: '', version: 'v1', kind: 'Node', resource: 'nodes', namespaced: false } as const;

/** The arguments that name one node. */
export const nodeArguments = {
  workspace: workspaceArgument,
  name: z.string().describe('Name of the node'),
};

/**
 * A request to the kubelet of a node, through the API server.
 * @param path below the kubelet's root, safe to put into a URL.
 * @throws {InvalidPathError}
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
 */
export function kubeletRequest(
  { workspace, name }: { readonly workspace?: string | undefined; readonly name: string },
  path: string,
  call: Call,
): ApiRequest {
  const place = placeOf(workspace, call);
  checkNode(name);
  call.audit({ object: `Node (v1) ${name}` });
  return {
    workspace: place,
    path: `${resourcePath({ ...NODE, name, subresource: 'proxy' })}/${path}`,
    target: { verb: 'get', ...NODE, name, subresource: 'proxy' },
    // Kubelet refuses to show logs to who takes JSON only (406).
    headers: { accept: '*/*' },
  };
}

/** The API server takes `scheme:name:port` for any other port of the node; that is no way to a kubelet. */
function checkNode(name: string): void {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) return;
  throw new InvalidPathError(
    `name ${JSON.stringify(name.slice(0, 80))} is not valid: names of nodes have lower-case letters, digits, "-" and "."`,
  );
}
