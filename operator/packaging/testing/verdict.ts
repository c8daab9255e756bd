/** What Argo CD and Flux make of an object: the health script in the Lua that Argo CD runs, and kstatus. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries } from '../../../e2e/cluster/toolchain.ts';
import { repoRoot } from '../../../e2e/lib/cache.ts';
import { execute } from '../../../e2e/lib/execute.ts';

export interface Verdict {
  argocd: { status: string; message: string };
  kstatus: { status: string; message: string };
}

/** @throws when the script fails or returns no table, with Lua's message */
export async function judge(objects: readonly object[], script?: string): Promise<Verdict[]> {
  const program = (await ensureBinaries(['gitops-verdict']))['gitops-verdict'];
  const input = JSON.stringify({ script: script ?? (await healthScript()), objects });
  const { code, stdout, stderr } = await execute(program, [], { input });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Verdict[];
}

export const healthScript = (): Promise<string> => readFile(join(repoRoot, 'config/argocd/health.lua'), 'utf8');
