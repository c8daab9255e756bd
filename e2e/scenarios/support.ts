// What the scenarios share: the running demo (DEMO_STATE), kubectl against both clusters, signed-in MCP clients.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { connectMcp } from '../oidc/connect.ts';
import { trustingFetch } from '../oidc/http.ts';
import { signIn } from '../oidc/sign-in.ts';
import type { SignedIn } from '../oidc/sign-in.ts';
import { readState } from '../demo/state.ts';
import { execute, type Output } from '../lib/execute.ts';
import { waitFor } from '../lib/wait.ts';

export { execute, type Output };

const stateFile = process.env['DEMO_STATE'];
if (!stateFile) throw new Error('DEMO_STATE names the demo.json of a running demo; `make test-e2e` sets it');

/** The environment that the scenarios run in. */
export const state = readState(dirname(stateFile));

function kubectlAt(flags: readonly string[]) {
  const program = state.bin['kubectl'] ?? 'kubectl';
  const any = (args: readonly string[], input?: string): Promise<Output> =>
    execute(program, [...flags, ...args], input === undefined ? {} : { input });
  const must = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await any(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  return {
    /** Output whatever the exit code. */
    any,
    /** Standard output. @throws with kubectl's standard error */
    run: must,
    /** `kubectl get … -o json`, parsed. */
    get: async <T>(...args: string[]): Promise<T> => JSON.parse(await must(['get', ...args, '-o', 'json'])) as T,
    /** Runs a command line that calls kubectl, as a person would paste it. */
    shell: (line: string): Promise<Output> =>
      execute('bash', ['-c', `kubectl() { "$KUBECTL" ${flags.map((flag) => `'${flag}'`).join(' ')} "$@"; }; ${line}`], {
        env: { KUBECTL: program },
      }),
    /** Applies objects given as JavaScript values. */
    apply: (...objects: object[]): Promise<string> =>
      must(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })),
  };
}

/** kubectl on the cluster that the operator runs in. */
export const host = kubectlAt([
  '--kubeconfig',
  state.kubeconfig,
  ...(state.context ? ['--context', state.context] : []),
]);
/** kubectl as kcp's admin. */
export const kcp = kubectlAt(['--kubeconfig', state.kcp.kubeconfig]);

const signedIn = new Map<string, Promise<SignedIn>>();

/** Tokens of a demo user; one sign-in per test file. */
export function tokensOf(name: string): Promise<SignedIn> {
  const user = state.users.find((each) => each.name === name);
  if (!user) throw new Error(`no such user: ${name}`);
  let tokens = signedIn.get(name);
  if (!tokens) {
    tokens = signIn({ mcpURL: state.mcpURL, user: user.name, password: user.password, ca: state.caFile });
    signedIn.set(name, tokens);
  }
  return tokens;
}

/** An MCP client signed in as a demo user. */
export async function mcpAs(name: string, era?: '2025-11-25' | '2026-07-28'): ReturnType<typeof connectMcp> {
  const { accessToken } = await tokensOf(name);
  return connectMcp({ mcpURL: state.mcpURL, accessToken, ca: state.caFile, ...(era ? { era } : {}) });
}

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface Server {
  metadata: { name: string; namespace: string; generation: number; uid: string };
  status?: { url?: string; conditions?: Condition[]; observedGeneration?: number; kubeconfig?: { sha256?: string } };
}

/** Waits until a condition of a KcpMcpServer is as wanted, and returns it. Fails with what it was instead. */
export async function condition(
  name: string,
  type: string,
  wanted: Partial<Condition>,
  { namespace = state.server.namespace, deadlineMs = 60_000 } = {},
): Promise<Condition> {
  let last: unknown;
  try {
    return await waitFor(
      `${type} of ${name}`,
      async () => {
        const server = await host.get<Server>('kcpmcpserver', name, '-n', namespace);
        last = server.status?.conditions;
        const found = server.status?.conditions?.find((each) => each.type === type);
        const matches =
          found !== undefined &&
          server.status?.observedGeneration === server.metadata.generation &&
          Object.entries(wanted).every(([key, value]) => found[key as keyof Condition] === value);
        return matches ? found : undefined;
      },
      { deadlineMs, intervalMs: 200 },
    );
  } catch (error) {
    throw new Error(`${type} of ${name} never was ${JSON.stringify(wanted)}; last: ${JSON.stringify(last)}`, {
      cause: error,
    });
  }
}

/** Requests that reached kcp, oldest first. */
export async function kcpRequests(): Promise<{ path: string; status: number; user?: string }[]> {
  const text = await readFile(state.kcp.requestLog, 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as { path: string; status: number; user?: string });
}

/**
 * Requests that reached kcp while `work` was done. kcp writes its log after it has answered, so a request of our own stands at
 * either end.
 */
export async function kcpRequestsDuring(work: () => Promise<unknown>): ReturnType<typeof kcpRequests> {
  const mark = async (): Promise<number> => {
    const path = `/clusters/root/mark-${crypto.randomUUID()}`;
    const http = await trustingFetch(state.caFile);
    await (await http.fetch(`${state.kcp.url}${path}`)).text();
    await http.close();
    const indexOf = async (): Promise<number> => (await kcpRequests()).findIndex((each) => each.path === path) + 1;
    return waitFor('kcp to log a request', indexOf, { deadlineMs: 10_000, intervalMs: 20 });
  };
  const begin = await mark();
  await work();
  const end = await mark();
  return (await kcpRequests()).slice(begin, end - 1);
}
