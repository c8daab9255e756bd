import type { Prompt } from './config/prompts.ts';

/** What people ask for first, ready to be picked in a client. Its `workspace` is completed from the caller's own. */
const WORKSPACE_OVERVIEW: Prompt = {
  name: 'kcp-workspace-overview',
  title: 'kcp: Workspace Overview',
  description: 'What a kcp workspace is, what is in it, and what you may do there',
  arguments: [
    { name: 'workspace', description: 'Path such as root:acme:team-a, or logical-cluster id', required: true },
  ],
  messages: [
    {
      role: 'user',
      content:
        'Give me an overview of the kcp workspace {{workspace}}. Describe it (kcp_workspace_describe), see which kinds it serves ' +
        '(kcp_api_resources_list), and list the namespaces and what is in them where I may (namespaces_list, resources_list). ' +
        'Then tell me in a few sentences what it is for, what is in it, what I may do there, and what looks wrong. Change nothing.',
    },
  ],
};

/** Prompts that are there without being configured; one of the configuration with the same name takes the place. */
export const BUILT_IN_PROMPTS: Readonly<Record<'kcp' | 'kubeconfig', readonly Prompt[]>> = {
  kcp: [WORKSPACE_OVERVIEW],
  kubeconfig: [],
};
