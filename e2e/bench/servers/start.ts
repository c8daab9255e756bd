import { startProcess } from '../../lib/process.ts';
import { answers } from '../../oidc/http.ts';
import type { Program, ServerUnderTest } from './under-test.ts';

/** Starts a server and waits until it serves. Its output goes to its log in the run folder. */
export async function startServer(
  dir: string,
  name: string,
  program: Program & { origin: string },
): Promise<ServerUnderTest> {
  const { command, args, env, readyURL, caFile, origin } = program;
  const started = await startProcess({ dir, name, command, args, env, ready: () => answers(caFile, readyURL) });
  return { origin, caFile, process: started };
}
