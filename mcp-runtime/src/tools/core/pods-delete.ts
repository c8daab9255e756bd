import * as z from 'zod';
import { KcpError, KcpStatusError } from '../../kcp/errors.ts';
import { arrayAt, numberAt, stringAt } from '../../kcp/json.ts';
import { resourcePath } from '../../kcp/paths.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { POD, SERVICE, getPod, podAction, podArguments, podName, podOf, podRequest } from './pods.ts';
import type { PodRef } from './pods.ts';
import { selectorOfRun } from './run-labels.ts';

export const podsDelete = defineTool({
  name: 'pods_delete',
  toolset: 'core',
  title: 'Pods: Delete',
  description:
    'Delete a Pod, by name and namespace. A Pod that pods_run made loses its Service with it. One that a Deployment or the like ' +
    'keeps is replaced by a new one.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    ...podArguments,
    gracePeriodSeconds: z
      .int()
      .min(0)
      .optional()
      .describe("Seconds that its containers get to stop (default: the Pod's own, usually 30); 0 kills them at once"),
  }),
  touches: [POD],
  async handle({ gracePeriodSeconds, ...args }, call) {
    const pod = podOf(args, call);
    const object = await getPod(pod, call);
    const { services, notes } = await servicesOf(object, pod, call);
    await call.api.clear([
      podAction(pod, 'delete'),
      ...services.map(({ name }) => ({ workspace: pod.workspace, target: serviceTarget(pod, name) })),
    ]);
    const answer = await call.api.request({
      ...podRequest(pod, 'delete'),
      method: 'DELETE',
      // Not one of the same name that has come in its place meanwhile.
      body: { gracePeriodSeconds, preconditions: { uid: stringAt(object, 'metadata', 'uid') } },
    });
    const seconds = numberAt(answer, 'metadata', 'deletionGracePeriodSeconds') ?? 0;
    const stopping = seconds > 0 ? `is being deleted: its containers have ${seconds} s to stop` : 'is deleted';
    const lines = [`${podName(pod)} ${stopping}.`];
    for (const service of services) lines.push(await deleteService(service, pod, call));
    return toolResult([...lines, ...notes].join('\n'));
  },
});

interface Service {
  readonly name: string;
  readonly uid: string | undefined;
}

function serviceTarget({ namespace }: PodRef, name?: string) {
  return { verb: name === undefined ? 'list' : 'delete', ...SERVICE, namespace, name };
}

/** The Services that pods_run made for this Pod, and what has to be said where they can't be looked for. */
async function servicesOf(object: unknown, pod: PodRef, call: Call): Promise<{ services: Service[]; notes: string[] }> {
  const labelSelector = selectorOfRun(object);
  if (labelSelector === undefined) return { services: [], notes: [] };
  const refusal = call.policy.refuseKind(SERVICE);
  if (refusal !== undefined) return { services: [], notes: [`Its Service, if it has one, is left. ${refusal}`] };
  const { workspace, namespace } = pod;
  try {
    const list = await call.api.request({
      workspace,
      path: resourcePath({ ...SERVICE, namespace }),
      query: { labelSelector },
      target: serviceTarget(pod),
    });
    const services = arrayAt(list, 'items').flatMap((item) => {
      const name = stringAt(item, 'metadata', 'name');
      return name === undefined ? [] : [{ name, uid: stringAt(item, 'metadata', 'uid') }];
    });
    return { services, notes: [] };
  } catch (error) {
    if (!(error instanceof KcpStatusError)) throw error;
    return { services: [], notes: [`Whether a Service is left of it could not be found out: ${said(error)}`] };
  }
}

async function deleteService({ name, uid }: Service, pod: PodRef, call: Call): Promise<string> {
  const { workspace, namespace } = pod;
  try {
    await call.api.request({
      workspace,
      path: resourcePath({ ...SERVICE, namespace, name }),
      method: 'DELETE',
      body: { preconditions: { uid } },
      target: serviceTarget(pod, name),
    });
    return `Service ${namespace}/${name} is deleted, too.`;
  } catch (error) {
    // The Pod is gone already: that has to be told whatever becomes of the rest.
    if (!(error instanceof KcpError)) throw error;
    return `Service ${namespace}/${name} could not be deleted: ${said(error)}`;
  }
}

function said(error: KcpError): string {
  return shorten(error.message, 300);
}
