import * as z from 'zod';
import type { ResourceType } from '../../kcp/discovery.ts';
import { parseApiVersion } from '../../kcp/paths.ts';
import { ToolError } from '../tool.ts';
import type { Call } from '../tool.ts';

/** The arguments that name a kind. */
export const kindArguments = {
  apiVersion: z.string().max(320).describe('apiVersion of the kind, such as v1, apps/v1, tenancy.kcp.io/v1alpha1'),
  kind: z.string().min(1).max(128).describe('Kind, such as ConfigMap, Deployment, Workspace'),
};

/** The arguments that name one object of a kind. */
export const objectArguments = {
  name: z.string().describe('Name of the object'),
  namespace: z
    .string()
    .optional()
    .describe('Namespace of the object (default: "default"). Of no account for kinds without namespaces'),
};

interface KindArguments {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Resolves the kind in a workspace and asks the policy about what it resolves to: names that lead to a denied kind are
 * denied with it.
 *
 * @param verb what is to be done with it, to say so early where the API doesn't do that at all.
 * @throws {ToolError} {UnknownKindError} {KcpError} {InvalidPathError}
 */
export async function resolveKind(
  { apiVersion, kind }: KindArguments,
  workspace: string | undefined,
  verb: string,
  call: Call,
): Promise<ResourceType> {
  const { principal, signal } = call;
  const groupVersion = parseApiVersion(apiVersion);
  const type = await call.discovery.resolve({ workspace, groupVersion, kind, principal, signal });
  const refusal = call.policy.refuseKind(type);
  if (refusal !== undefined) throw new ToolError(refusal, 'denied');
  if (!type.verbs.includes(verb)) {
    const verbs = type.verbs.length === 0 ? 'nothing' : type.verbs.join(', ');
    throw new ToolError(
      `Objects of kind ${type.kind} (${apiVersion}) can't be asked to ${verb}; it serves ${verbs}.`,
      'invalid',
    );
  }
  return type;
}
