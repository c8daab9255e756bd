import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { repoRoot } from '../lib/cache.ts';
import { createCA, issueCertificate } from '../lib/certs.ts';
import type { CertificateAuthority } from '../lib/certs.ts';
import { freePorts } from '../lib/ports.ts';
import { startProcess, stopAll } from '../lib/process.ts';
import type { StartedProcess } from '../lib/process.ts';
import { silent } from '../lib/progress.ts';
import type { Progress } from '../lib/progress.ts';
import { together } from '../lib/wait.ts';
import type { OIDCOptions } from '../oidc/apiserver-flags.ts';
import { applyCRDs, withApi } from './api.ts';
import { apiserverArguments, auditPolicy, etcdArguments } from './control-plane-config.ts';
import type { PkiFiles } from './control-plane-config.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { ensureBinaries } from './toolchain.ts';

export interface ControlPlaneOptions {
  /**
   * Run folder: data, certificates, logs and pid files. What an earlier run left running there is ended and its data
   * removed. Left out: a new one under `.testing/`, removed by {@link ControlPlane.stop}.
   */
  dir?: string;
  /** TCP ports; free ones unless told. */
  ports?: { apiserver: number; etcd: number; etcdPeer: number };
  /** IP address that clients use, in the kubeconfig's URL and in the certificate; 127.0.0.1 unless told. */
  address?: string;
  /** Write an audit log: JSON lines, `audit.k8s.io/v1` Events at level Metadata, one per completed request. */
  audit?: boolean;
  /** Write it by this `audit.k8s.io/v1` Policy. */
  auditPolicy?: object;
  /** An issuer whose tokens are accepted; it may be started later. */
  oidc?: OIDCOptions;
  /** Further flags of the API server. */
  flags?: readonly string[];
  /** YAML files with CustomResourceDefinitions; all are served before {@link startControlPlane} returns. */
  crds?: readonly string[];
  progress?: Progress;
}

/** A running etcd and kube-apiserver. */
export interface ControlPlane {
  dir: string;
  /** Kubeconfig file of a member of system:masters. */
  kubeconfig: string;
  url: string;
  /** The CA of the API server's certificate and of client certificates, PEM. */
  caFile: string;
  /** The audit log's path; nothing is there unless one was asked for. */
  auditLog: string;
  /** Ends both processes and removes the data (and the folder, if it wasn't given). */
  stop(): Promise<void>;
  /** Kills the API server as a crash would: connections break, nothing is said. etcd and the data stay. */
  kill(): Promise<void>;
  /** Starts the API server again (ending it first if it runs) with the same address, certificates and data. */
  restart(): Promise<void>;
  /** Drops etcd's history up to now, which the API server does every five minutes. */
  compact(): Promise<void>;
}

/**
 * Starts a real etcd and kube-apiserver: no root, no node, no controllers. Ready in a few seconds; several can run
 * at once. All of the Kubernetes API is there, but nothing acts on it: no Pod runs, no owned object is collected, no
 * namespace finishes terminating.
 *
 * @example
 * let plane: ControlPlane;
 * beforeAll(async () => {
 *   plane = await startControlPlane({ audit: true, crds: [join(repoRoot, 'crds/mcp.kcp.io_kcpmcpservers.yaml')] });
 * }, 120_000);
 * afterAll(() => plane.stop());
 *
 * test('comes back after the API server crashed', async () => {
 *   const kubeConfig = new KubeConfig();
 *   kubeConfig.loadFromFile(plane.kubeconfig);
 *   await plane.kill();
 *   await plane.restart();
 * });
 *
 * @throws when a program can't be built, or doesn't become ready; the message holds the end of its log
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const dir = options.dir === undefined ? await newRunDir() : resolve(options.dir);
  await stopAll(dir);
  const { plane } = await launchControlPlane({ ...options, dir });
  return {
    ...plane,
    async stop() {
      await plane.stop();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What a node's programs need of the control plane beside what everybody gets. */
export interface LaunchedControlPlane {
  plane: ControlPlane;
  ca: CertificateAuthority;
  /** Private key that signs service account tokens. */
  serviceAccountKeyFile: string;
}

/** The part of {@link startControlPlane} that a cluster with a node shares. Nothing of it may run in `dir`. */
export async function launchControlPlane(
  options: ControlPlaneOptions & {
    dir: string;
    /** For a cluster with a node: CIDR of ClusterIPs, and its first address, which is the API server's own. */
    services?: { cidr: string; address: string };
  },
): Promise<LaunchedControlPlane> {
  const { dir, services } = options;
  const binaries = await ensureBinaries(['etcd', 'kube-apiserver'], options.progress ?? silent);
  await Promise.all(['etcd', 'pki', 'audit'].map((each) => rm(join(dir, each), { recursive: true, force: true })));
  await mkdir(join(dir, 'audit'), { recursive: true });

  const ports = options.ports ?? (await somePorts());
  const address = options.address ?? '127.0.0.1';
  const url = `https://${address}:${ports.apiserver}`;
  const auditLog = join(dir, 'audit/audit.jsonl');
  const etcdURL = `http://127.0.0.1:${ports.etcd}`;
  const etcd = startProcess({
    dir,
    name: 'etcd',
    command: binaries.etcd,
    args: etcdArguments(dir, etcdURL, `http://127.0.0.1:${ports.etcdPeer}`),
    ready: () => healthy(`${etcdURL}/readyz`),
    // Its data is thrown away, or is meant to survive a crash: there is nothing to be gained by asking.
    stopSignal: 'SIGKILL',
  });
  const hosts = ['localhost', '127.0.0.1', address, ...(services ? serviceNames(services.address) : [])];
  const [{ ca, kubeconfig, files }] = await together([makePki(dir, url, hosts), etcd]);
  const policy = options.auditPolicy ?? (options.audit ? auditPolicy : undefined);
  if (policy) await writeFile(join(dir, 'audit/policy.json'), JSON.stringify(policy));

  let apiserver: StartedProcess | undefined;
  const start = () =>
    withApi(kubeconfig, async (api) => {
      apiserver = await startProcess({
        dir,
        name: 'kube-apiserver',
        command: binaries['kube-apiserver'],
        args: apiserverArguments({
          dir,
          address,
          port: ports.apiserver,
          etcdURL,
          pki: files,
          ...(services ? { serviceCIDR: services.cidr } : {}),
          ...(policy ? { auditLog } : {}),
          ...(options.oidc ? { oidc: options.oidc } : {}),
          flags: options.flags ?? [],
        }),
        ready: () => api.request('/readyz'),
        stopSignal: 'SIGKILL',
      });
    });
  try {
    await start();
    if (options.crds?.length) await withApi(kubeconfig, (api) => applyCRDs(api, options.crds ?? []));
  } catch (error) {
    await stopAll(dir);
    throw error;
  }

  const plane: ControlPlane = {
    dir,
    kubeconfig,
    url,
    caFile: files.caFile,
    auditLog,
    async stop() {
      await stopAll(dir);
      await rm(join(dir, 'etcd'), { recursive: true, force: true });
    },
    async kill() {
      await apiserver?.kill();
    },
    async restart() {
      await apiserver?.stop();
      await start();
    },
    compact: () => compact(etcdURL),
  };
  return { plane, ca, serviceAccountKeyFile: files.serviceAccountKey };
}

/** A new folder `.testing/api-…` for a test that needs one. */
export async function newRunDir(): Promise<string> {
  await mkdir(join(repoRoot, '.testing'), { recursive: true });
  return mkdtemp(join(repoRoot, '.testing/api-'));
}

async function somePorts() {
  const [apiserver = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
  return { apiserver, etcd, etcdPeer };
}

async function healthy(url: string): Promise<boolean> {
  return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
}

/** https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/ */
async function compact(etcdURL: string): Promise<void> {
  const call = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const answer = await fetch(`${etcdURL}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd: ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { header: { revision: string } };
  };
  const { header } = await call('range', { key: 'AA==' });
  await call('compaction', { revision: header.revision, physical: true });
}

/** Names and addresses under which Pods reach the API server. */
function serviceNames(serviceAddress: string): string[] {
  const name = 'kubernetes.default.svc';
  return ['kubernetes', 'kubernetes.default', name, `${name}.cluster.local`, serviceAddress];
}

async function makePki(dir: string, url: string, hosts: readonly string[]) {
  const pkiDir = join(dir, 'pki');
  const [ca, frontProxyCA] = await Promise.all([
    createCA(pkiDir, 'ca', 'kubernetes-ca'),
    createCA(pkiDir, 'front-proxy-ca', 'front-proxy-ca'),
  ]);
  const [server, serviceAccount, admin] = await Promise.all([
    issueCertificate(ca, { dir: pkiDir, name: 'apiserver', commonName: 'kube-apiserver', hosts: [...new Set(hosts)] }),
    // Signs tokens; the certificate is only a way to write down the public key.
    issueCertificate(ca, { dir: pkiDir, name: 'service-account', commonName: 'service-account' }),
    issueCertificate(ca, { dir: pkiDir, name: 'admin', commonName: 'admin', organizations: ['system:masters'] }),
  ]);
  const files: PkiFiles = {
    caFile: ca.certFile,
    serverCert: server.certFile,
    serverKey: server.keyFile,
    serviceAccountCert: serviceAccount.certFile,
    serviceAccountKey: serviceAccount.keyFile,
    frontProxyCA: frontProxyCA.certFile,
    adminCert: admin.certFile,
    adminKey: admin.keyFile,
  };
  const kubeconfig = await writeKubeconfig({ file: join(dir, 'admin.kubeconfig'), url, caFile: ca.certFile, ...admin });
  return { ca, kubeconfig, files };
}
