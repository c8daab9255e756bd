import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';
import { oidcArguments } from '../oidc/apiserver-flags.ts';
import type { OIDCOptions } from '../oidc/apiserver-flags.ts';
import type { PlaneClient } from './plane-client.ts';
import { frontIdentity } from './plane-client.ts';
import { frontClientName } from './pki.ts';
import type { Pki } from './pki.ts';

export type { OIDCOptions };

/** One generic control plane: the API server of one logical cluster. */
export interface Plane {
  /** Id of the logical cluster it is for. */
  cluster: string;
  url: string;
  /** PEM of the CA that callers of kcp must trust; lies in every namespace. */
  caBundle: string;
  /** Aborts when the plane is stopped: whatever follows its objects ends then. */
  signal: AbortSignal;
  stop(): Promise<void>;
}

export interface PlaneOptions {
  /** Run folder for pid files and logs. */
  dir: string;
  cluster: string;
  binary: string;
  etcdURL: string;
  pki: Pki;
  oidc: OIDCOptions;
  client: PlaneClient;
}

/** Starts a control plane on a free port of 127.0.0.1; its objects lie under `/CLUSTER` in etcd. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const [port = 0] = await freePorts(1);
  const url = `https://127.0.0.1:${port}`;
  const started = await startProcess({
    dir: options.dir,
    name: `kcp-plane-${options.cluster}`,
    command: options.binary,
    args: planeArguments(options, port),
    ready: () => isReady(options.client, url),
    // Its data lives no longer than the stand-in: there is nothing to be gained by asking.
    stopSignal: 'SIGKILL',
  });
  const caBundle = await readFile(options.pki.front.caFile, 'utf8');
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    stopping.abort();
    await started.stop();
  };
  return { cluster: options.cluster, url, caBundle, signal: stopping.signal, stop };
}

async function isReady(client: PlaneClient, url: string): Promise<boolean> {
  const response = await client.send(url, frontIdentity, { path: '/readyz', signal: AbortSignal.timeout(2000) });
  await response.body.dump();
  return response.statusCode === 200;
}

function planeArguments({ dir, cluster, etcdURL, pki, oidc }: PlaneOptions, port: number): string[] {
  const { serving, ca, serviceAccount } = pki.planes;
  return [
    `--etcd-servers=${etcdURL}`,
    `--etcd-prefix=/${cluster}`,
    '--etcd-count-metric-poll-period=0',
    '--etcd-db-metric-poll-interval=0',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${serving.certFile}`,
    `--tls-private-key-file=${serving.keyFile}`,
    `--cert-dir=${join(dir, 'kcp')}`,
    '--authorization-mode=RBAC',
    // Throttling is for clusters that must survive their users.
    '--enable-priority-and-fairness=false',
    '--max-requests-inflight=0',
    '--max-mutating-requests-inflight=0',
    `--requestheader-client-ca-file=${ca.certFile}`,
    `--requestheader-allowed-names=${frontClientName}`,
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    ...oidcArguments(oidc),
    '--service-account-issuer=https://kcp.default.svc',
    `--service-account-key-file=${serviceAccount.certFile}`,
    `--service-account-signing-key-file=${serviceAccount.keyFile}`,
  ];
}
