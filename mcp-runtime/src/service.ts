import { BUILT_IN_PROMPTS } from './built-in-prompts.ts';
import type { Prompt } from './config/prompts.ts';
import type { RuntimeConfig } from './config/schema.ts';
import type { ToolDefinition, Toolset } from './tools/index.ts';

/** What calls are answered with: replaced as a whole when the configuration changes. */
export interface Service {
  readonly toolset: Toolset;
  /** `toolset.list()`, made once, and the same by name. */
  readonly tools: ToolDefinition[];
  readonly byName: ReadonlyMap<string, ToolDefinition>;
  /** Input schemas, by tool, that have a header repeat an argument (`x-mcp-header`, SEP-2243). */
  readonly mirrored: ReadonlyMap<string, ToolDefinition['inputSchema']>;
  /** By name, in the order that clients see. */
  readonly prompts: ReadonlyMap<string, Prompt>;
  readonly instructions: string;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
}

const OWN_RIGHTS = 'the rights of the signed-in user';
const SHARED_RIGHTS = 'the rights of one identity that all its users share';

const KCP = (rights: string) => `This server gives access to a kcp installation with ${rights}.
kcp is divided into workspaces, each an API server of its own with its own namespaces, objects and kinds. A workspace is named by its path from the root, such as "root:acme:team-a", or by its id.
Start with kcp_workspaces_list: it says which workspaces may be used. Then name one in the "workspace" argument of the other tools; without it they use the default workspace.`;

const PLAIN = (rights: string) => `This server gives access to a Kubernetes cluster with ${rights}.
namespaces_list and pods_list say what there is, events_list what goes wrong.`;

const INSTRUCTIONS: Readonly<Record<RuntimeConfig['cluster_provider_strategy'], (rights: string) => string>> = {
  kcp: KCP,
  kubeconfig: PLAIN,
};

/** Makes a service of a toolset and the settings that have to do with calls. `server_instructions` is added to our own. */
export function createService(
  toolset: Toolset,
  config: Pick<
    RuntimeConfig,
    'cluster_auth_mode' | 'cluster_provider_strategy' | 'prompts' | 'server_instructions' | 'toolset_configs'
  >,
): Service {
  const rights = config.cluster_auth_mode === 'kubeconfig' ? SHARED_RIGHTS : OWN_RIGHTS;
  const { cluster_provider_strategy: strategy, server_instructions: more } = config;
  const tools = toolset.list();
  return {
    toolset,
    tools,
    byName: new Map(tools.map((tool) => [tool.name, tool])),
    mirrored: new Map(tools.filter(isMirrored).map(({ name, inputSchema }) => [name, inputSchema])),
    prompts: new Map([...BUILT_IN_PROMPTS[strategy], ...config.prompts].map((prompt) => [prompt.name, prompt])),
    instructions: [INSTRUCTIONS[strategy](rights), more].filter((text) => text !== undefined).join('\n\n'),
    timeoutMs: config.toolset_configs.kcp.request_timeout,
  };
}

const isMirrored = ({ inputSchema }: ToolDefinition) => JSON.stringify(inputSchema).includes('"x-mcp-header"');
