import * as z from 'zod';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { checkName, placeName, resourcePath } from '../../kcp/paths.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { placeOf, workspaceArgument } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { WORKSPACE } from '../kcp/kinds.ts';
import { kindArguments, objectArguments, resolveKind } from './kind.ts';

export const resourcesDelete = defineTool({
  name: 'resources_delete',
  toolset: 'core',
  title: 'Resources: Delete',
  description:
    'Delete one object, by apiVersion, kind and name, and its namespace where the kind has namespaces. With uid or resourceVersion (from ' +
    'resources_get) only if it is still that very object, or still in that very state.',
  annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    ...kindArguments,
    ...objectArguments,
    gracePeriodSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .optional()
      .describe("Seconds that the object may take to stop; 0: at once. Default: the kind's own"),
    propagationPolicy: z
      .enum(['Background', 'Foreground', 'Orphan'])
      .optional()
      .describe(
        "What becomes of objects that it owns: deleted after it, before it, or left alone. Default: the kind's own",
      ),
    uid: z.string().min(1).max(128).optional().describe('Delete only the object with this metadata.uid'),
    resourceVersion: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Delete only if metadata.resourceVersion is still this: nobody has changed it'),
    dryRun: z.boolean().optional().describe('true: only check whether it could be deleted'),
  }),
  async handle({ apiVersion, kind, name, uid, resourceVersion, dryRun = false, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    checkName(name, 'name');
    call.audit({
      object: `${kind} (${apiVersion}) ${args.namespace === undefined ? '' : `${args.namespace}/`}${name}`,
    });
    const type = await resolveKind({ apiVersion, kind }, workspace, 'delete', call);
    if (!dryRun && type.group === WORKSPACE.group && type.kind === WORKSPACE.kind) {
      throw new ToolError(
        'Use kcp_workspace_delete: a workspace goes with everything in it, and that tool asks first.',
        'invalid',
      );
    }
    const namespace = type.namespaced ? (args.namespace ?? 'default') : undefined;
    const target = { verb: 'delete', ...type, namespace, name };
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    const answer = await call.api.request({
      workspace,
      path: resourcePath(target),
      method: 'DELETE',
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(args.gracePeriodSeconds !== undefined && { gracePeriodSeconds: args.gracePeriodSeconds }),
        ...(args.propagationPolicy !== undefined && { propagationPolicy: args.propagationPolicy }),
        ...(Object.keys(preconditions).length > 0 && { preconditions }),
        ...(dryRun && { dryRun: ['All'] }),
      },
      target,
    });
    const what = `${type.kind} ${[namespace, name].filter((part) => part !== undefined).join('/')} in ${placeName(workspace)}`;
    return toolResult(`${what}: ${outcome(answer, dryRun)}`);
  },
});

/** A Status where it is gone, the object itself where something still holds it. */
function outcome(answer: unknown, dryRun: boolean): string {
  if (dryRun) return 'would be deleted (dry run: nothing was changed)';
  if (stringAt(answer, 'metadata', 'deletionTimestamp') === undefined) return 'deleted';
  const finalizers = arrayAt(answer, 'metadata', 'finalizers').map((finalizer) => shorten(String(finalizer), 100));
  if (finalizers.length > 0)
    return `is being deleted; it goes once these finalizers are done: ${finalizers.join(', ')}`;
  return 'is being deleted; it goes once it has stopped';
}
