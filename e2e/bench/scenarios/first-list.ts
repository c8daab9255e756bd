import { randomUUID } from 'node:crypto';
import { waitFor } from '../../lib/wait.ts';
import type { Context } from '../context.ts';
import { kcpRequest, mcpRequest } from '../load/messages.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { FirstList } from '../results.ts';
import { startServer } from '../servers/start.ts';
import type { ServerUnderTest } from '../servers/under-test.ts';
import { callTool } from './call-tool.ts';

/** How long the synthetic kcp holds answers back: not at all, and about as long as a real one takes with 16 at a time. */
const delaysMs = [0, 10];
/** What a walk asks of each workspace. */
const children = '/apis/tenancy.kcp.io/v1alpha1/workspaces?limit=500&resourceVersion=0';
/** Lists before those that count: a server that has been up for a while is what new callers find. */
const warmUps = 10;

/**
 * The first list of workspaces of callers whom the server never saw, in turn with the probes that nobody can do without:
 * one `/version` for each workspace, straight to kcp, as many at a time as the server sends; and with the lists of children that
 * take the probes' place where there is no index.
 */
export async function firstLists(context: Context): Promise<void> {
  const { installation, options, results, progress } = context;
  const { place, kcp, dir, programs } = installation;
  const servers: ServerUnderTest[] = [];
  try {
    for (const name of ['ours', 'ours-index'] as const) servers.push(await startServer(dir, name, programs[name]));
    const [ours, indexed] = servers;
    if (!ours || !indexed) throw new Error('no servers');
    await checkComplete(context, ours, 'caller');
    await checkComplete(context, indexed, 'index');
    for (const delayMs of kcp.delay ? delaysMs : [0]) {
      await kcp.delay?.(delayMs);
      for (let repeat = 1; repeat <= options.repeats; repeat++) {
        const title = `${place}: a caller's first list, kcp takes ${delayMs} ms, ${repeat} of ${options.repeats}`;
        await progress.step(title, async () => {
          results.firstLists.push(await firstList(context, 'ours', ours, delayMs));
          results.firstLists.push(await firstList(context, 'ours-index', indexed, delayMs));
          results.firstLists.push(await raw(context, 'raw', '/version', delayMs));
          results.firstLists.push(await raw(context, 'raw-lists', children, delayMs));
        });
      }
    }
  } finally {
    await kcp.delay?.(0);
    await Promise.all(servers.map((server) => server.process.stop()));
  }
}

/** A list that leaves workspaces out would be quick, and so would one that isn't made as we say. Warms the server up, too. */
async function checkComplete({ installation }: Context, server: ServerUnderTest, source: string): Promise<void> {
  const { workspaces, token } = installation;
  const check = async (): Promise<boolean> => {
    const list = await callTool(server, 'kcp_workspaces_list', await token(randomUUID()));
    const found = list as { total?: number; source?: string };
    if (found.source === source && found.total === workspaces.length) return true;
    throw new Error(`it found ${found.total ?? 'no'} workspaces of ${workspaces.length}, by ${found.source ?? '?'}`);
  };
  for (let time = 0; time < warmUps; time++) {
    await waitFor(`${server.process.name} to find all workspaces by ${source}`, check, { deadlineMs: 60_000 });
  }
}

async function firstList(
  context: Context,
  target: FirstList['target'],
  { origin, caFile, process }: ServerUnderTest,
  delayMs: number,
): Promise<FirstList> {
  const token = await context.installation.token(randomUUID());
  const known = await context.installation.token();
  // The warm-up is that of the connection: a request that has nothing to do with workspaces.
  const [opening, list] = [
    mcpRequest({ method: 'tools/list', token: known }),
    mcpRequest({ method: 'tools/call', tool: 'kcp_workspaces_list', token }),
  ];
  return measure(context, target, delayMs, {
    ...{ origin, caFile, connections: 1, pid: process.pid },
    ...{ opening, requests: [list], until: { requests: 1 } },
  });
}

async function raw(context: Context, target: FirstList['target'], path: string, delayMs: number): Promise<FirstList> {
  const { kcp, workspaces, token: tokenOf } = context.installation;
  const token = await tokenOf(randomUUID());
  const requests = workspaces.map((workspace) => kcpRequest(`/clusters/${workspace}${path}`, token));
  return measure(context, target, delayMs, {
    ...{ origin: kcp.url, caFile: kcp.caFile, connections: context.options.concurrency },
    ...{ requests, until: { requests: requests.length } },
  });
}

async function measure(
  { installation, generator, options }: Context,
  target: FirstList['target'],
  delayMs: number,
  plan: Omit<LoadPlan, 'warmUpMs'>,
): Promise<FirstList> {
  const { place, kcp } = installation;
  const counts = kcp.countsURL === undefined ? {} : { countsURL: kcp.countsURL };
  const result = await generator.run({ ...plan, ...counts, warmUpMs: 0 });
  if (result.failures > 0) throw new Error(`first list, ${target}: ${result.failure ?? ''}`);
  return {
    place,
    target,
    delayMs,
    concurrency: options.concurrency,
    ms: result.elapsedMs,
    ...(result.kcp && { kcpRequests: result.kcp.requests }),
  };
}
