// spec.tools, spec.inventory and spec.config: what assistants may do, and how the server answers.
import * as z from 'zod';
import { ATOMIC_MAP, dataKey, duration, mapOf, objectName, setOf } from './fields.ts';

/** Tools about Pods and nodes: a kcp workspace has neither unless somebody binds such an API. */
const POD_AND_NODE_TOOLS = [
  'nodes_log',
  'nodes_stats_summary',
  'nodes_top',
  'pods_delete',
  'pods_exec',
  'pods_get',
  'pods_list',
  'pods_list_in_namespace',
  'pods_log',
  'pods_run',
  'pods_top',
];

const deniedResource = z.object({
  group: z.string().max(253).describe('API group; empty for the core group.').default(''),
  version: z
    .string()
    .min(1)
    .max(63)
    .describe('API version, for instance v1. The kind is denied in every version: each serves the same objects.'),
  kind: z.string().max(63).describe('Kind; empty for every kind of that group.').default(''),
});

export const toolsSchema = z
  .object({
    toolsets: setOf(z.enum(['config', 'core', 'kcp']), 16)
      .describe(
        'Groups of tools that are served: kcp (workspaces), core (namespaces, resources, Pods, events) and config (how the server reaches kcp, without credentials, and the workspaces as plain names).',
      )
      .default(['core', 'kcp']),
    disabled: setOf(
      z
        .string()
        .min(1)
        .max(128)
        .regex(/^[a-z][a-z0-9_]*$/),
      128,
    )
      .describe(
        'Tools that are not served. A list of your own replaces the default one, which holds the Pod and node tools: a kcp workspace has neither.',
      )
      .default(POD_AND_NODE_TOOLS),
    readOnly: z.boolean().describe('Serve only tools that change nothing.').default(false),
    disableDestructive: z.boolean().describe('Refuse tools that delete or overwrite.').default(false),
    deniedResources: mapOf(deniedResource, 64, ['group', 'version', 'kind'])
      .describe('Kinds that no tool may read or write.')
      .default([]),
  })
  .describe("What assistants may do. kcp's own authorization of the caller always comes on top.");

export const inventorySchema = z
  .object({
    mode: z
      .enum(['Caller', 'Index'])
      .describe(
        "Caller walks the workspaces with the caller's token. Index watches all workspaces with an identity of its own and probes them with the caller's token; it needs kubeconfigRef or frontProxyRef, the consent of the FrontProxy behind it (annotation mcp.kcp.io/allow-namespaces), and config/kcp/index-identity.yaml in kcp's workspace root. Without that identity it is as Caller.",
      )
      .default('Caller'),
    maxAge: duration()
      .describe("How old an answer about one caller's workspaces may be before it is asked of kcp again.")
      .default('30s'),
  })
  .describe('How the question of which workspaces a caller may use is answered.');

export const configSchema = z
  .object({
    dropInRef: z
      .object({
        name: objectName('Name of the ConfigMap, in the namespace of this resource.'),
        key: dataKey('Key of the ConfigMap that holds the TOML.').default('config.toml'),
      })
      .meta(ATOMIC_MAP)
      .describe(
        'A ConfigMap with further TOML: instructions, tool overrides, prompts, confirmation rules, limits, and gates tighter than those of spec.tools. Keys about authentication and connection are refused in it. Its changes are taken over without a restart, but for http.read_header_timeout.',
      )
      .optional(),
  })
  .describe('Configuration of the server beyond the fields of this resource.');
