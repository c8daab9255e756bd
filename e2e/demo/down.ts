// Removes what a demo left, whatever state it is in.
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { stopCluster } from '../cluster/node.ts';
import { run, stopAll } from '../lib/process.ts';
import { contextFile } from './context.ts';
import type { UsedContext } from './context.ts';

/** Ends every process, removes node, mounts, network and files of the demo in `dir`. Idempotent. */
export async function down(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  await leaveContext(dir);
  await stopAll(dir);
  await stopCluster(dir);
  await rm(dir, { recursive: true, force: true });
}

/** Takes the demo's objects out of a cluster that isn't ours, newest first; goes on when that cluster is gone. */
async function leaveContext(dir: string): Promise<void> {
  if (!existsSync(contextFile(dir))) return;
  const used = JSON.parse(readFileSync(contextFile(dir), 'utf8')) as UsedContext;
  for (const args of [...used.undo].reverse()) {
    try {
      await run(used.kubectl, [...used.flags, ...args], { timeoutMs: 180_000 });
    } catch (error) {
      console.error(`left behind in ${used.context}: kubectl ${args.join(' ')}: ${(error as Error).message}`);
    }
  }
}
