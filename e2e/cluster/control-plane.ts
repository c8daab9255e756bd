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
import { applyCRDs, openApi } from './api.ts';
import { issueKubeconfig } from './kubeconfig.ts';
import { ensureBinaries } from './toolchain.ts';

export interface ControlPlaneOptions {
  /**
   * Run folder: data, certificates, logs and pid files. What an earlier run left running there is ended and its data
   * removed. Left out: a new one under `.demo/`, removed by {@link ControlPlane.stop}.
   */
  dir?: string;
  /** TCP ports; free ones unless told. */
  ports?: { apiserver: number; etcd: number; etcdPeer: number };
  /** IP address that clients use, in the kubeconfig's URL and in the certificate; 127.0.0.1 unless told. */
  address?: string;
  /** Write an audit log: JSON lines, `audit.k8s.io/v1` Events at level Metadata, one per completed request. */
  audit?: boolean;
  /** YAML files with CustomResourceDefinitions; all are served before {@link startControlPlane} returns. */
  crds?: readonly string[];
  progress?: Progress;
  /** Settings of a cluster with a node; a control plane alone needs none of them. */
  node?: {
    /** CIDR of ClusterIPs, and its first address, which is the API server's own. */
    serviceCIDR: string;
    serviceAddress: string;
  };
}

/** A running etcd and kube-apiserver. */
export interface ControlPlane {
  dir: string;
  /** Kubeconfig file of a member of system:masters. */
  kubeconfig: string;
  url: string;
  /** The CA of the API server's certificate and of client certificates, PEM. */
  caFile: string;
  ca: CertificateAuthority;
  /** Private key that signs service account tokens. */
  serviceAccountKeyFile: string;
  /** The audit log's path; nothing is there without `audit: true`. */
  auditLog: string;
  /** Ends both processes and removes the data (and the folder, if it wasn't given). */
  stop(): Promise<void>;
  /** Kills the API server as a crash would: connections break, nothing is said. etcd and the data stay. */
  kill(): Promise<void>;
  /** Starts the API server again (ending it first if it runs) with the same address, certificates and data. */
  restart(): Promise<void>;
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
  const binaries = await ensureBinaries(['etcd', 'kube-apiserver'], options.progress ?? silent);
  const dir = options.dir === undefined ? await newRunDir() : resolve(options.dir);
  await stopAll(dir);
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
  const [pki] = await Promise.all([
    makePki(dir, url, ['localhost', '127.0.0.1', address, ...(options.node ? serviceNames(options.node) : [])]),
    etcd,
  ]);
  if (options.audit) await writeFile(join(dir, 'audit/policy.json'), JSON.stringify(auditPolicy));

  const api = await openApi(pki.kubeconfig);
  let apiserver: StartedProcess | undefined;
  const start = async () => {
    apiserver = await startProcess({
      dir,
      name: 'kube-apiserver',
      command: binaries['kube-apiserver'],
      args: apiserverArguments({ dir, address, port: ports.apiserver, etcdURL, pki, options, auditLog }),
      ready: () => api.request('/readyz'),
      stopSignal: 'SIGKILL',
    });
  };
  try {
    await start();
    if (options.crds?.length) await applyCRDs(api, options.crds);
  } catch (error) {
    await stopAll(dir);
    throw error;
  } finally {
    api.close();
  }

  return {
    dir,
    kubeconfig: pki.kubeconfig,
    url,
    caFile: pki.ca.certFile,
    ca: pki.ca,
    serviceAccountKeyFile: pki.serviceAccountKeyFile,
    auditLog,
    async stop() {
      await stopAll(dir);
      await rm(options.dir === undefined ? dir : join(dir, 'etcd'), { recursive: true, force: true });
    },
    async kill() {
      await apiserver?.kill();
    },
    async restart() {
      await apiserver?.stop();
      await start();
      api.close();
    },
  };
}

/** A new folder `.demo/test-api-…` for a test that needs one. */
export async function newRunDir(): Promise<string> {
  await mkdir(join(repoRoot, '.demo'), { recursive: true });
  return mkdtemp(join(repoRoot, '.demo/test-api-'));
}

async function somePorts() {
  const [apiserver = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
  return { apiserver, etcd, etcdPeer };
}

async function healthy(url: string): Promise<boolean> {
  return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
}

/** Names and addresses under which Pods reach the API server. */
function serviceNames({ serviceAddress }: { serviceAddress: string }): string[] {
  const name = 'kubernetes.default.svc';
  return ['kubernetes', 'kubernetes.default', name, `${name}.cluster.local`, serviceAddress];
}

interface Pki {
  ca: CertificateAuthority;
  serverCert: string;
  serverKey: string;
  serviceAccountKeyFile: string;
  serviceAccountCertFile: string;
  kubeconfig: string;
}

async function makePki(dir: string, url: string, hosts: readonly string[]): Promise<Pki> {
  const pkiDir = join(dir, 'pki');
  const ca = await createCA(pkiDir, 'ca', 'kubernetes-ca');
  const unique = [...new Set(hosts)];
  const [server, serviceAccount, kubeconfig] = await Promise.all([
    issueCertificate(ca, { dir: pkiDir, name: 'apiserver', commonName: 'kube-apiserver', hosts: unique }),
    // Signs tokens; the certificate is only a way to write down the public key.
    issueCertificate(ca, { dir: pkiDir, name: 'service-account', commonName: 'service-account' }),
    issueKubeconfig(ca, {
      file: join(dir, 'admin.kubeconfig'),
      url,
      dir: pkiDir,
      name: 'admin',
      user: 'admin',
      groups: ['system:masters'],
    }),
  ]);
  return {
    ca,
    serverCert: server.certFile,
    serverKey: server.keyFile,
    serviceAccountKeyFile: serviceAccount.keyFile,
    serviceAccountCertFile: serviceAccount.certFile,
    kubeconfig,
  };
}

function etcdArguments(dir: string, client: string, peer: string): string[] {
  return [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // What a power cut would lose is thrown away anyway; a killed process loses nothing.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

interface ApiserverArguments {
  dir: string;
  address: string;
  port: number;
  etcdURL: string;
  pki: Pki;
  options: ControlPlaneOptions;
  auditLog: string;
}

function apiserverArguments({ dir, address, port, etcdURL, pki, options, auditLog }: ApiserverArguments): string[] {
  const { node, audit } = options;
  return [
    `--etcd-servers=${etcdURL}`,
    `--bind-address=${address}`,
    `--secure-port=${port}`,
    `--advertise-address=${address}`,
    `--client-ca-file=${pki.ca.certFile}`,
    `--tls-cert-file=${pki.serverCert}`,
    `--tls-private-key-file=${pki.serverKey}`,
    // Without a folder of its own it makes one at /var/run/kubernetes.
    `--cert-dir=${join(dir, 'pki')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki.serviceAccountCertFile}`,
    `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
    `--service-cluster-ip-range=${node?.serviceCIDR ?? '10.0.0.0/24'}`,
    '--allow-privileged=true',
    '--profiling=false',
    ...(node
      ? [
          '--authorization-mode=Node,RBAC',
          '--enable-admission-plugins=NodeRestriction',
          '--kubelet-preferred-address-types=InternalIP',
        ]
      : // Nothing makes the service accounts that the plugin would insist on.
        ['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount']),
    ...(audit ? [`--audit-policy-file=${join(dir, 'audit/policy.json')}`, `--audit-log-path=${auditLog}`] : []),
  ];
}

// Metadata: who asked what of which object, and the answer's status; never a body, so never a Secret.
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};
