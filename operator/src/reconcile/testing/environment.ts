/**
 * A real API server with our CRD and those of others, and the operator running on it in this process. Nothing else acts on
 * that API server: what a Deployment controller, cert-manager or kcp-operator would write, a test writes.
 */
import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { openApi, applyCRDs, type Api } from '../../../../e2e/cluster/api.ts';
import { startControlPlane, type ControlPlane } from '../../../../e2e/cluster/control-plane.ts';
import { ensureBinaries } from '../../../../e2e/cluster/toolchain.ts';
import { cacheDir, repoRoot } from '../../../../e2e/lib/cache.ts';
import { silent } from '../../../../e2e/lib/progress.ts';
import { createKubeClient, type KubeClient, type Logger } from '../../kube/index.ts';
import type { CheckIssuer } from '../../outbound/issuer.ts';
import type { ProbeKcp } from '../../outbound/kcp.ts';
import { createOperator, type Operator, type OperatorOptions } from '../../operator.ts';

const run = promisify(execFile);

export const CRDS = {
  ours: join(repoRoot, 'crds/mcp.kcp.io_kcpmcpservers.yaml'),
  kubeconfigs: join(repoRoot, 'operator/testdata/crds/operator.kcp.io_kubeconfigs.yaml'),
  frontProxies: join(repoRoot, 'operator/testdata/crds/operator.kcp.io_frontproxies.yaml'),
  rootShards: join(repoRoot, 'operator/testdata/crds/operator.kcp.io_rootshards.yaml'),
};
export const OPERATOR_NAMESPACE = 'kcp-mcp-operator-system';

export interface Environment {
  plane: ControlPlane;
  /** As a member of system:masters. */
  api: Api;
  kubectl(...args: string[]): Promise<string>;
  /** Runs commands that a message told, as a person would in a shell. */
  shell(commands: string): Promise<void>;
  applyCRD(file: string): Promise<void>;
  /**
   * Starts the operator with the rights of its ServiceAccount.
   * @param settings.checkIssuer what issuers answer, and probeKcp kcps; default: all is well with every one of them
   */
  startOperator(settings?: OperatorSettings): Promise<RunningOperator>;
  stop(): Promise<void>;
}

export interface OperatorSettings extends Partial<OperatorOptions> {
  /** URL of a proxy in front of the API server; its own unless told. */
  url?: string;
  /** Puts something between the operator and its client. */
  wrap?: (client: KubeClient) => KubeClient;
}

const kcpAnswers: ProbeKcp = () => Promise.resolve({ outcome: 'answers' });
const allIsWell: CheckIssuer = () => Promise.resolve({ outcome: 'verified', registersClients: true });

export interface RunningOperator extends Operator {
  client: KubeClient;
}

/** @param flags further flags of the API server */
export async function startEnvironment(crds: readonly string[], flags: readonly string[] = []): Promise<Environment> {
  const plane = await startControlPlane({ audit: true, crds, flags });
  const api = await openApi(plane.kubeconfig);
  const binary = (await ensureBinaries(['kubectl'], silent)).kubectl;
  const env = { ...process.env, KUBECONFIG: plane.kubeconfig };
  const kubectl = async (...args: string[]): Promise<string> => (await run(binary, args, { env })).stdout;
  await kubectl('apply', '--server-side', '-k', join(repoRoot, 'config/default'));
  const running = new Set<RunningOperator>();

  return {
    plane,
    api,
    kubectl,
    async shell(commands) {
      const path = `${join(binary, '..')}:${process.env['PATH'] ?? ''}`;
      await run('sh', ['-ec', commands], { env: { ...env, PATH: path } });
    },
    applyCRD: (file) => applyCRDs(api, [file]),
    async startOperator({ url = plane.url, wrap = (client: KubeClient) => client, ...options } = {}) {
      const client = await createKubeClient({
        kubeconfig: await operatorKubeconfig(plane, api, url),
        userAgent: 'kcp-mcp-operator/test',
        holder: options.identity ?? 'test',
        ...(options.clock && { clock: options.clock }),
      });
      const operator = createOperator({
        client: wrap(client),
        identity: `test-${running.size}`,
        namespaces: [],
        runtimeImage: 'kcp-mcp-runtime:test',
        leaderElect: true,
        leaseNamespace: OPERATOR_NAMESPACE,
        concurrency: 8,
        logger,
        checkIssuer: allIsWell,
        probeKcp: kcpAnswers,
        // A missing kind is asked for so seldom that only the watch on its CRD can bring it within a test's patience.
        timings: { backoffMaxMs: 500, absentMs: 600_000 },
        ...options,
      });
      const stop = async (): Promise<void> => {
        running.delete(started);
        await operator.stop();
        await client.close();
      };
      const started: RunningOperator = { ...operator, client, stop };
      running.add(started);
      operator.start();
      return started;
    },
    async stop() {
      await Promise.all([...running].map((operator) => operator.stop()));
      api.close();
      await plane.stop();
    },
  };
}

/** cert-manager's CRDs, from the Go module that its controllers are built from. */
export async function certManagerCRDs(): Promise<string> {
  await ensureBinaries(['cert-manager-controller'], silent);
  const pattern = 'go-mod/github.com/cert-manager/cert-manager@*/deploy/crds/cert-manager.io_certificates.yaml';
  for await (const file of glob(join(cacheDir(), pattern))) return file;
  throw new Error(`no ${pattern} in the cache`);
}

/** A token of the operator's ServiceAccount. */
export async function operatorToken(api: Api): Promise<string> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/kcp-mcp-operator/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = (await api.request(path, { method: 'POST', body })) as { status: { token: string } };
  return answer.status.token;
}

let kubeconfigs = 0;

/** A kubeconfig with a token of the operator's ServiceAccount, as its Pod would have. */
export async function operatorKubeconfig(plane: ControlPlane, api: Api, url = plane.url): Promise<string> {
  const token = await operatorToken(api);
  const ca = (await readFile(plane.caFile)).toString('base64');
  kubeconfigs += 1;
  const file = join(plane.dir, `operator-${kubeconfigs}.kubeconfig`);
  await writeFile(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': ca } }],
      users: [{ name: 'operator', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'operator' } }],
      'current-context': 'test',
    }),
    { mode: 0o600 },
  );
  return file;
}

/** The operator's log, for looking into a failure: `OPERATOR_LOG=FILE`. */
const logFile = process.env['OPERATOR_LOG'];
const log = (message: string, meta?: Record<string, unknown>): void => {
  if (logFile) appendFileSync(logFile, `${new Date().toISOString()} ${message} ${JSON.stringify(meta ?? {})}\n`);
};
const logger: Logger = { debug: log, info: log, warn: log, error: log };
