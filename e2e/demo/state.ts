// demo.json: what scripts and the end-to-end scenarios need to know about a running demo.
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Contents of `DIR/demo.json`. Files are absolute paths; the passwords are those of throw-away users. */
export interface DemoState {
  /** The endpoint, e.g. `https://localhost:20043/mcp`. */
  mcpURL: string;
  /** CA certificates of everything that the demo serves: endpoint, issuer, kcp. */
  caFile: string;
  /** The Kubernetes cluster that the operator runs in. */
  kubeconfig: string;
  /** Context of that kubeconfig where it isn't the current one (DEMO_CONTEXT). */
  context?: string;
  kcp: { url: string; kubeconfig: string; requestLog: string };
  issuer: { issuerURL: string; clientID: string; stateDir: string };
  users: { name: string; password: string }[];
  /** Programs that `make demo` and tests use: kubectl and so on. */
  bin: Record<string, string>;
  /** Run folder: logs, pid files, data. */
  runDir: string;
  /** Process ids by name. */
  pids: Record<string, number>;
  /** Namespace and name of the sample. */
  server: { namespace: string; name: string };
}

export function stateFile(dir: string): string {
  return join(dir, 'demo.json');
}

export async function writeState(dir: string, state: DemoState): Promise<void> {
  const file = stateFile(dir);
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** @throws when there is no demo in `dir`; the message says how to start one */
export function readState(dir: string): DemoState {
  try {
    return JSON.parse(readFileSync(stateFile(dir), 'utf8')) as DemoState;
  } catch (error) {
    throw new Error(`there is no running demo in ${dir}: start one with \`make demo\``, { cause: error });
  }
}
