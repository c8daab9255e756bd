/** The cluster that is measured on, the operator in it, and what the benchmark itself uses. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { certManagerCRDs, CRDS } from '../../../operator/src/reconcile/testing/environment.ts';
import { startControlPlane } from '../../cluster/control-plane.ts';
import type { ControlPlane } from '../../cluster/control-plane.ts';
import { ensureBinaries } from '../../cluster/toolchain.ts';
import { repoRoot } from '../../lib/cache.ts';
import type { Progress } from '../../lib/progress.ts';
import { run, running } from '../../lib/process.ts';
import { cpuMs } from '../measure/process.ts';
import { AuditLog, isWrite } from './audit-log.ts';
import type { Request } from './audit-log.ts';
import { startIssuer } from './issuer.ts';
import type { Issuer } from './issuer.ts';
import { apply, grant, kubeconfig, kubeconfigSecret, namespaces, OPERATOR, SOURCE, TEMPLATE } from './objects.ts';
import { startOperator } from './operator-process.ts';
import type { Kcp } from './objects.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { Options } from './options.ts';
import { openPool } from './pool.ts';
import type { Pool } from './pool.ts';
import type { CpuMs, OperatorResults } from './results.ts';

export interface World {
  options: Options;
  results: OperatorResults;
  progress: Progress;
  plane: ControlPlane;
  /** The benchmark itself: people, cert-manager, the Deployment controller. */
  admin: Pool;
  /** With the operator's token: what the flat-out client writes with. */
  flatOut: Pool;
  /** Whom all KcpMcpServers trust. */
  issuer: Issuer;
  /** It only answers: what all kubeconfigs are about. */
  kcp: Kcp;
  /** Requests of the operator since the last call. */
  operatorRequests(): Promise<Request[]>;
  /** Those of the flat-out client since the last call of either. */
  flatOutRequests(): Promise<Request[]>;
  /** The running operator, started if need be. */
  operator(): Promise<OperatorProcess>;
  stopOperator(): Promise<void>;
  /** Processor time that each program has taken so far. */
  cpu(): Promise<CpuMs>;
  close(): Promise<void>;
}

const user = `system:serviceaccount:${OPERATOR.namespace}:${OPERATOR.name}`;
const flatOutAgent = 'flat-out';

/**
 * Bodies of one resource only, to make the same writes again. Of all others who asked what, and of the benchmark nothing: it
 * costs the API server time that would be in the figures.
 */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'Request', users: [user], namespaces: [TEMPLATE.namespace], verbs: ['create', 'patch'] },
    { level: 'Metadata', users: [user] },
    { level: 'None' },
  ],
};

export async function createWorld(
  given: Pick<World, 'options' | 'results' | 'progress'> & { dir: string },
): Promise<World> {
  const { options, dir, progress } = given;
  const crds = [CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()];
  const plane = await startControlPlane({ dir, auditPolicy, crds, progress });
  const { kubectl } = await ensureBinaries(['kubectl'], progress);
  await run(kubectl, ['apply', '--server-side', '-k', join(repoRoot, 'config/default')], {
    env: { KUBECONFIG: plane.kubeconfig },
  });
  const admin = await openPool(plane.kubeconfig, 'bench');
  const operatorKubeconfig = await writeOperatorKubeconfig(plane, admin);
  const flatOut = await openPool(operatorKubeconfig, flatOutAgent);
  const issuer = await startIssuer(join(dir, 'issuer'));
  const kcp = { url: issuer.url, ca: (await readFile(issuer.caFile)).toString('base64') };
  await createSource(admin, kcp);
  const audit = new AuditLog(plane.auditLog);
  let operator: OperatorProcess | undefined;

  return {
    ...given,
    plane,
    admin,
    flatOut,
    issuer,
    kcp,
    operatorRequests: async () => (await audit.read()).filter(({ agent }) => agent !== flatOutAgent),
    flatOutRequests: async () => (await audit.read()).filter(({ agent }) => agent === flatOutAgent),
    async operator() {
      operator ??= await startOperator({
        dir,
        kubeconfig: operatorKubeconfig,
        apiPort: Number(new URL(plane.url).port),
        caFile: issuer.caFile,
        nodeFlags: options.nodeFlags,
      });
      return operator;
    },
    async stopOperator() {
      await operator?.stop();
      operator = undefined;
    },
    async cpu() {
      const taken: CpuMs = { operator: 0, 'kube-apiserver': 0, etcd: 0, bench: cpuMs(process.pid) };
      for (const { name, pid } of await running(dir)) taken[name as keyof CpuMs] = cpuMs(pid);
      return taken;
    },
    async close() {
      await operator?.stop();
      issuer.close();
      await Promise.all([admin.close(), flatOut.close()]);
      await plane.stop();
    },
  };
}

/** With a token of its ServiceAccount, thus with the rights of the default install. */
async function writeOperatorKubeconfig(plane: ControlPlane, admin: Pool): Promise<string> {
  const path = `/api/v1/namespaces/${OPERATOR.namespace}/serviceaccounts/${OPERATOR.name}/token`;
  const spec = { expirationSeconds: 24 * 3600 };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const { status } = (await admin.send({ method: 'POST', path, body })) as { status: { token: string } };
  const ca = (await readFile(plane.caFile)).toString('base64');
  const file = join(plane.dir, 'operator.kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server: plane.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'operator', user: { token: status.token } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'operator' } }],
    'current-context': 'bench',
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}

/** All namespaces, and the Kubeconfig that all refer to unless told. */
async function createSource(admin: Pool, kcp: Kcp): Promise<void> {
  for (const name of [...namespaces, SOURCE.namespace])
    await admin.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
  await admin.send(apply('secrets', SOURCE, kubeconfigSecret(SOURCE, kcp, 'first')));
  await admin.send(apply('kubeconfigs', SOURCE, kubeconfig(SOURCE)));
  const ready = { apiVersion: 'operator.kcp.io/v1alpha1', kind: 'Kubeconfig', status: { phase: 'Ready' } };
  const call = apply('kubeconfigs', SOURCE, { ...ready, metadata: { name: SOURCE.name } });
  await admin.send({ ...call, path: call.path.replace('?', '/status?') });
  const source = [{ names: [SOURCE.name], verbs: ['get', 'watch'] }];
  for (const call of grant('source', SOURCE.namespace, source)) await admin.send(call);
}

/** What was taken between two looks. */
export function cpuBetween(before: CpuMs, after: CpuMs): CpuMs {
  const names = Object.keys(after) as (keyof CpuMs)[];
  return Object.fromEntries(names.map((name) => [name, Math.round(after[name] - before[name])])) as CpuMs;
}

/** Writes of the operator but those of its Lease. */
export const ownWrites = (requests: readonly Request[]): Request[] =>
  requests.filter((request) => isWrite(request) && request.resource !== 'leases');

export const reads = (requests: readonly Request[]): Request[] =>
  requests.filter((request) => !isWrite(request) && request.resource !== 'leases');
