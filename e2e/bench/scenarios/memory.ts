import { randomUUID } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { run } from '../../lib/process.ts';
import { waitFor } from '../../lib/wait.ts';
import { answers } from '../../oidc/http.ts';
import { mcpRequest } from '../load/messages.ts';
import type { McpRequest } from '../load/messages.ts';
import type { PlannedRequest } from '../load/plan.ts';
import { createCgroup } from '../measure/cgroup.ts';
import type { Cgroup } from '../measure/cgroup.ts';
import { startConfined } from '../measure/confined.ts';
import { memoryOf } from '../measure/process.ts';
import type { MemorySample } from '../results.ts';

/** The limit that the operator gives a Pod. */
const limitMiB = 128;
const connections = 8;
/** Callers who come, list their workspaces and are forgotten. */
const passingCallers = 200;

/** Watches the memory of our runtime under a mixed load, confined to what a Pod has. */
export async function memory(context: Context): Promise<void> {
  const { installation, options, results, progress, generator } = context;
  const program = { ...installation.programs.ours, command: await ownNode(installation.dir) };
  const cgroup = createCgroup(`kcp-mcp-bench-${process.pid}`, { memoryMiB: limitMiB });
  const ours = startConfined(program, installation.dir, cgroup);
  const samples: MemorySample[] = [];
  const intervalMs = Math.min(5_000, (options.minutes * 60_000) / 20);
  const title = `memory for ${options.minutes} min${cgroup ? ` in ${limitMiB} MiB` : ', unconfined'}`;
  let timer: NodeJS.Timeout | undefined;
  try {
    await waitFor('our runtime', () => answers(program.caFile, program.readyURL), { deadlineMs: 60_000 });
    const requests = await mixedLoad(context);
    const { origin, caFile } = program;
    await progress.step(title, async (step) => {
      const began = performance.now();
      timer = setInterval(() => {
        const sample = sampleOf(performance.now() - began, ours.pid, cgroup);
        samples.push(sample);
        step.update(`${Math.round(sample.rssKiB / 1024)} MiB resident`);
      }, intervalMs);
      const result = await generator.run({
        ...{ origin, caFile, connections, requests, warmUpMs: 0 },
        until: { ms: options.minutes * 60_000 },
      });
      results.memory = {
        minutes: options.minutes,
        ...(cgroup && { limitMiB, oomKills: cgroup.oomKills() }),
        samples,
        requests: result.requests,
        failures: result.failures,
        ...(result.failure !== undefined && { failure: result.failure }),
      };
    });
  } catch (error) {
    // A killed server is a result, too.
    if ((cgroup?.oomKills() ?? 0) > 0)
      throw new Error(`killed for want of memory in ${limitMiB} MiB`, { cause: error });
    throw error;
  } finally {
    clearInterval(timer);
    await ours.stop();
  }
}

/**
 * A copy of this Node whose pages nobody has in memory yet: those that are used count for our control group then, as they
 * do in a Pod that is the first of its image on a node.
 */
async function ownNode(dir: string): Promise<string> {
  const copy = join(dir, 'node');
  // Past the page cache; dd alone can.
  await run('dd', [`if=${process.execPath}`, `of=${copy}`, 'bs=1M', 'oflag=direct']);
  await chmod(copy, 0o755);
  return copy;
}

function sampleOf(atMs: number, pid: number, cgroup: Cgroup | undefined): MemorySample {
  const inGroup = cgroup && { workingSetKiB: Math.round(cgroup.workingSetBytes() / 1024) };
  return { atMs: Math.round(atMs), ...memoryOf(pid), ...inGroup };
}

/** Lists of objects all over the tree, of tools and of workspaces, in both eras; now and then somebody new. */
async function mixedLoad({ installation }: Context): Promise<PlannedRequest[]> {
  const { workspaces, token: tokenOf } = installation;
  const token = await tokenOf();
  const list = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' };
  const requests: McpRequest[] = [];
  for (let caller = 0; caller < passingCallers; caller++) {
    for (const era of ['2025-11-25', '2026-07-28'] as const) {
      for (let index = 0; index < 40; index++) {
        const workspace = workspaces[(caller * 41 + index * 7) % workspaces.length];
        const call = { method: 'tools/call', era, token } as const;
        requests.push({ ...call, tool: 'resources_list', arguments: { ...list, workspace } });
        if (index % 8 === 0) requests.push({ ...call, tool: 'kcp_workspaces_list' });
        if (index % 8 === 4) requests.push({ method: 'tools/list', era, token });
      }
    }
    requests.push({ method: 'tools/call', tool: 'kcp_workspaces_list', token: await tokenOf(randomUUID()) });
  }
  return requests.map(mcpRequest);
}
