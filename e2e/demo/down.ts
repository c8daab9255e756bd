// Removes what a demo left, whatever state it is in.
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { stopCluster } from '../cluster/node.ts';
import { run, stopAll } from '../lib/process.ts';
import { contextFile } from './context.ts';
import type { UsedContext } from './context.ts';

/**
 * Ends every process, removes node, network and files of the demo in `dir`. Idempotent.
 *
 * @throws when something could not be removed from a cluster that isn't ours; the folder stays, so that it can be tried
 *   again
 */
export async function down(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  const left = await leaveContext(dir);
  await stopAll(dir);
  await stopCluster(dir);
  if (left.length > 0) {
    const cure = `try again when that cluster answers, or remove ${dir} if it is gone`;
    throw new Error(`the demo's processes are gone, but its objects are not:\n- ${left.join('\n- ')}\n${cure}`);
  }
  await rm(dir, { recursive: true, force: true });
}

/** Takes the demo's objects out of a cluster that isn't ours, newest first. Returns what could not be removed, and why. */
async function leaveContext(dir: string): Promise<string[]> {
  if (!existsSync(contextFile(dir))) return [];
  const used = JSON.parse(readFileSync(contextFile(dir), 'utf8')) as UsedContext;
  const left: string[] = [];
  for (const args of [...used.undo].reverse()) {
    try {
      await run(used.kubectl, [...used.flags, ...args], { timeoutMs: 180_000 });
    } catch (error) {
      left.push(`${used.context}: kubectl ${args.join(' ')}: ${(error as Error).message}`);
    }
  }
  return left;
}
