import * as z from 'zod';
import { parseWorkspace } from '../kcp/paths.ts';
import type { Call } from './tool.ts';

/** The argument that every tool about a workspace's content has. */
export const workspaceArgument = z
  .string()
  .optional()
  .describe(
    'Workspace to look into: a path such as root:acme:team-a, or a logical-cluster id. ' +
      "Default: this server's default workspace. kcp_workspaces_list shows which ones you may enter",
  );

/** How a list is shown. */
export const outputArgument = z
  .enum(['table', 'yaml'])
  .optional()
  .describe(
    'table: names and the usual columns (default unless this server is configured otherwise); yaml: whole objects',
  );

// Half of a surrogate pair has no UTF-8: the URL would hold another character in its place.
const selector = z
  .string()
  .max(4096)
  .refine((text) => text.isWellFormed(), { error: 'holds half of a surrogate pair' })
  .optional();

export const labelSelectorArgument = selector.describe(
  "Kubernetes label selector, such as 'app=web,env!=dev' or 'tier in (front,back)'",
);

export const fieldSelectorArgument = selector.describe(
  "Kubernetes field selector, such as 'metadata.name=default'; which fields there are depends on the kind",
);

/** A name that may be left out; clients also send an empty one for that. */
export const optionalName = (description: string) =>
  z
    .string()
    .transform((name) => (name === '' ? undefined : name))
    .optional()
    .describe(description);

/** Whether what is served is kcp, with its workspaces, or one plain cluster. */
export function servesKcp({ cluster_provider_strategy }: { readonly cluster_provider_strategy: string }): boolean {
  return cluster_provider_strategy === 'kcp';
}

/**
 * Where a call goes: the workspace that it names, or the default one; noted for the audit log. Undefined for the one cluster
 * that there is where it isn't kcp.
 * @throws {InvalidPathError}
 */
export function placeOf(workspace: string | undefined, call: Call): string | undefined {
  return servesKcp(call.config) ? workspaceOf(workspace, call) : undefined;
}

/** The same for what only kcp has. @throws {InvalidPathError} */
export function workspaceOf(workspace: string | undefined, call: Call): string {
  const parsed = parseWorkspace(workspace ?? call.config.cluster_provider_configs.kcp.default_workspace);
  call.audit({ workspace: parsed });
  return parsed;
}
