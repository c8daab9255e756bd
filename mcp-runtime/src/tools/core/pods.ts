import * as z from 'zod';
import type { Target } from '../../kcp/errors.ts';
import { checkName, resourcePath } from '../../kcp/paths.ts';
import { optionalName, placeOf, workspaceArgument } from '../arguments.ts';
import type { Action, ApiRequest } from '../caller-api.ts';
import type { Call } from '../tool.ts';

// What every cluster with nodes serves: no discovery needed.
export const POD = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true } as const;
export const SERVICE = { ...POD, kind: 'Service', resource: 'services' } as const;

/** Where a Pod is looked for that is named without a namespace. */
export const DEFAULT_NAMESPACE = 'default';

/** The arguments that name one Pod. */
export const podArguments = {
  workspace: workspaceArgument,
  name: z.string().describe('Name of the Pod'),
  namespace: optionalName(`Namespace of the Pod (default: "${DEFAULT_NAMESPACE}")`),
};

export const podFieldSelectorHelp =
  "Kubernetes field selector, such as 'status.phase=Running,spec.nodeName=node-1'. Fields of Pods: metadata.name, " +
  'metadata.namespace, spec.nodeName, spec.restartPolicy, spec.schedulerName, spec.serviceAccountName, status.phase ' +
  '(Pending, Running, Succeeded, Failed, Unknown), status.podIP, status.nominatedNodeName. CrashLoopBackOff is the state of a ' +
  'container, not a phase';

/** One Pod, or what belongs to it under the same name. */
export interface PodRef {
  readonly workspace: string | undefined;
  readonly namespace: string;
  readonly name: string;
}

interface PodArguments {
  readonly workspace?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The Pod that a call is about: its names checked, and noted for the audit log. @throws {InvalidPathError} */
export function podOf({ workspace, namespace = DEFAULT_NAMESPACE, name }: PodArguments, call: Call): PodRef {
  const place = placeOf(workspace, call);
  checkName(name, 'name');
  checkName(namespace, 'namespace');
  call.audit({ object: `Pod (v1) ${namespace}/${name}` });
  return { workspace: place, namespace, name };
}

/** What is to be done with a Pod or a part of it, as the gates and error messages look at it. */
export function podAction(pod: PodRef, verb: string, subresource?: string): Action {
  const { workspace, namespace, name } = pod;
  return { workspace, target: { verb, ...POD, namespace, name, subresource } };
}

/** Path and purpose of a request about a Pod. */
export function podRequest(pod: PodRef, verb: string, subresource?: string): ApiRequest & { readonly target: Target } {
  const { namespace, name } = pod;
  return { ...podAction(pod, verb, subresource), path: resourcePath({ ...POD, namespace, name, subresource }) };
}

/** @throws {KcpError} {ToolError} {InputNeeded} */
export function getPod(pod: PodRef, call: Call): Promise<unknown> {
  return call.api.request(podRequest(pod, 'get'));
}

/** `Pod default/web`, for answers. */
export function podName({ namespace, name }: PodRef): string {
  return `Pod ${namespace}/${name}`;
}
