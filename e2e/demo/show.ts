// The product's main job, shown: two users sign in and get two different answers.
import { connectMcp } from '../oidc/connect.ts';
import { signIn } from '../oidc/sign-in.ts';
import { run } from '../lib/process.ts';
import type { DemoState } from './state.ts';

/** Signs every user in and prints what `kcp_workspaces_list` and a core tool answer each of them. */
export async function show(state: DemoState): Promise<void> {
  const flags = ['--kubeconfig', state.kubeconfig, ...(state.context ? ['--context', state.context] : [])];
  const kinds = 'kcpmcpservers,deploy,certificate,secret,cm';
  const table = await run(state.bin['kubectl'] ?? 'kubectl', [...flags, 'get', kinds, '-n', state.server.namespace]);
  console.log(`\n$ kubectl get ${kinds} -n ${state.server.namespace}\n${table}`);
  for (const user of state.users) {
    const { accessToken } = await signIn({
      mcpURL: state.mcpURL,
      user: user.name,
      password: user.password,
      ca: state.caFile,
    });
    const client = await connectMcp({ mcpURL: state.mcpURL, accessToken, ca: state.caFile });
    try {
      const workspaces = await client.callTool('kcp_workspaces_list', {});
      console.log(`${user.name}> kcp_workspaces_list\n${indent(workspaces.text)}`);
      const workspace = leafOf(workspaces.structuredContent);
      const query = { apiVersion: 'v1', kind: 'ConfigMap', workspace };
      const objects = await client.callTool('resources_list', query);
      console.log(`${user.name}> resources_list ${JSON.stringify(query)}\n${indent(objects.text)}`);
    } finally {
      await client.close();
    }
  }
}

/** The deepest workspace that the caller may enter. */
function leafOf(structured: unknown): string {
  const { workspaces } = structured as { workspaces: { path: string }[] };
  return workspaces.map(({ path }) => path).reduce((a, b) => (depth(b) > depth(a) ? b : a));
}

const depth = (path: string): number => path.split(':').length;

const indent = (text: string): string => `${text.trimEnd().replace(/^/gm, '    ')}\n`;

/** Addresses, users and the lines to copy. */
export function whatNext(state: DemoState, detached: boolean): string {
  const users = state.users.map(({ name, password }) => `${name} / ${password}`).join(', ');
  return `
MCP endpoint       ${state.mcpURL}
Identity provider  ${state.issuer.issuerURL} (${users})
CA file            ${state.caFile}
Host cluster       export KUBECONFIG=${state.kubeconfig}${state.context ? ` # context ${state.context}` : ''}
kubectl            ${state.bin['kubectl'] ?? 'kubectl'}
kcp (admin)        ${state.kcp.kubeconfig}
For scripts        .demo/demo.json

Connect an assistant (it and your browser run on this machine; /mcp signs you in):
  claude mcp add --transport http kcp ${state.mcpURL}
  NODE_EXTRA_CA_CERTS=${state.caFile} claude

${detached ? '`make demo-down` removes it.' : 'It runs until Ctrl-C, which removes it.'}`;
}
