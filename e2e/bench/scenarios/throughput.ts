import type { Context } from '../context.ts';
import { kcpRequest, mcpRequest } from '../load/messages.ts';
import type { McpRequest } from '../load/messages.ts';
import { canKeepApart, keptApart } from '../measure/affinity.ts';
import { startServer } from '../servers/start.ts';
import type { ServerUnderTest } from '../servers/under-test.ts';
import { runContest } from './contest.ts';
import type { Contestant } from './contest.ts';

const connections = 8;
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Calls that come again and again: one kind of objects, the caller's workspaces, the list of tools. */
export async function throughput(context: Context): Promise<void> {
  const { installation } = context;
  const { dir, programs } = installation;
  const ours = await startServer(dir, 'ours', programs.ours);
  const peer = await startServer(dir, 'peer', programs.peer);
  try {
    await runContests(context, ours, peer);
  } finally {
    await Promise.all([ours.process.stop(), peer.process.stop()]);
  }
}

async function runContests(context: Context, ours: ServerUnderTest, peer: ServerUnderTest): Promise<void> {
  const { kcp, team, token: tokenOf, dir, programs } = context.installation;
  const token = await tokenOf();
  const at = (
    target: Contestant['target'],
    server: ServerUnderTest,
    request: Omit<McpRequest, 'token'>,
  ): Contestant => {
    const { origin, caFile } = server;
    return { target, origin, caFile, server, requests: [mcpRequest({ ...request, token })] };
  };
  const list = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' };
  const resourcesList = { method: 'tools/call', tool: 'resources_list' } as const;
  const inTeam = { ...resourcesList, arguments: { ...list, workspace: team } };
  // What our runtime asks of kcp for such a call.
  const path = `/clusters/${team}/api/v1/namespaces/default/configmaps?limit=100&includeObject=None`;
  const raw: Contestant = {
    target: 'raw',
    origin: kcp.url,
    caFile: kcp.caFile,
    requests: [kcpRequest(path, token, table)],
  };

  await runContest(context, {
    scenario: 'resources_list',
    connections,
    contestants: [
      at('ours', ours, inTeam),
      at('peer', peer, { ...resourcesList, arguments: list }),
      raw,
      at('ours-2026-07-28', ours, { ...inTeam, era: '2026-07-28' }),
    ],
  });
  if (kcp.pid !== undefined && (await canKeepApart())) {
    const contestants = [at('ours', ours, inTeam), raw];
    await keptApart(kcp.pid, [ours.process.pid, context.generator.pid], () =>
      runContest(context, { scenario: 'resources_list-apart', connections, contestants }),
    );
  }
  await runContest(context, {
    scenario: 'resources_list-1',
    connections: 1,
    contestants: [at('ours', ours, inTeam), raw, at('peer', peer, { ...resourcesList, arguments: list })],
  });
  await runContest(context, {
    scenario: 'tools_list',
    connections,
    contestants: [
      at('ours', ours, { method: 'tools/list' }),
      at('peer', peer, { method: 'tools/list' }),
      at('ours-2026-07-28', ours, { method: 'tools/list', era: '2026-07-28' }),
    ],
  });
  const shared = await startServer(dir, 'peer-shared', programs['peer-shared']);
  try {
    const workspacesList = { method: 'tools/call', tool: 'kcp_workspaces_list' } as const;
    await runContest(context, {
      scenario: 'workspaces_list',
      connections,
      contestants: [at('ours', ours, workspacesList), at('peer', shared, workspacesList)],
    });
  } finally {
    await shared.process.stop();
  }
}
