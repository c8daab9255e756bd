import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startProcess } from '../lib/process.ts';
import { silent } from '../lib/progress.ts';
import type { Progress } from '../lib/progress.ts';
import { HopelessError, waitFor } from '../lib/wait.ts';
import { applyCRDs, hasCondition, withApi } from './api.ts';
import type { Api, Applied, KubeObject } from './api.ts';
import { ensureBinaries, moduleFolder } from './toolchain.ts';

export interface CertManagerOptions {
  /** Run folder for the controllers' process; that of the cluster will do. */
  dir: string;
  /** A kubeconfig of {@link startCluster} or {@link startControlPlane}. */
  kubeconfig: string;
  progress?: Progress;
}

/** cert-manager's controllers running against a cluster. */
export interface CertManager {
  /** The ClusterIssuer that signs with a CA of its own. */
  issuerName: string;
  /** That CA, PEM. */
  caFile: string;
  /** Ends the controllers; what they made stays. */
  stop(): Promise<void>;
}

const namespace = 'cert-manager';
const issuerName = 'demo-ca';

/**
 * Starts cert-manager (its CRDs and its own controllers for self-signed and CA issuers, as a process beside the
 * cluster; no ACME, no webhook) and a ClusterIssuer `demo-ca`. A control plane without a node is enough.
 *
 * Without the webhook nothing refuses a nonsensical Certificate, or fills in defaults.
 *
 * @throws when the controllers can't be built or started, or the issuer isn't Ready within 60 s
 */
export async function startCertManager(options: CertManagerOptions): Promise<CertManager> {
  const { dir, kubeconfig, progress = silent } = options;
  const binaries = await ensureBinaries(['cert-manager-controller'], progress);
  const module = await moduleFolder('cert-manager', 'github.com/cert-manager/cert-manager');
  const crdFolder = join(module, 'deploy/crds');
  const crds = (await readdir(crdFolder)).filter((file) => file.endsWith('.yaml')).map((file) => join(crdFolder, file));

  return withApi(kubeconfig, async (api) => {
    await Promise.all([
      applyCRDs(api, crds),
      api.apply('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    ]);
    const controllers = await startProcess({
      dir,
      name: 'cert-manager',
      command: binaries['cert-manager-controller'],
      args: [`--kubeconfig=${resolve(kubeconfig)}`, `--cluster-resource-namespace=${namespace}`],
    });
    const objects = issuerChain();
    for (const { collection, object } of objects) await api.apply(collection, object);
    for (const { collection, object } of objects) {
      const path = `${collection}/${object.metadata.name}`;
      await waitFor(
        `${object.kind} ${object.metadata.name} to be Ready (see log/cert-manager.log)`,
        async () => {
          if (!controllers.alive()) throw new HopelessError(`cert-manager has ended: see ${controllers.logFile}`);
          return hasCondition((await api.request(path)) as KubeObject, 'Ready');
        },
        { deadlineMs: 60_000 },
      );
    }
    const caFile = join(resolve(dir), 'demo-ca.crt');
    await writeFile(caFile, await readCA(api));
    return { issuerName, caFile, stop: () => controllers.stop() };
  });
}

async function readCA(api: Api): Promise<string> {
  const secret = (await api.request(`/api/v1/namespaces/${namespace}/secrets/${issuerName}`)) as {
    data: { 'tls.crt': string };
  };
  return Buffer.from(secret.data['tls.crt'], 'base64').toString();
}

/** A self-signed issuer, the CA certificate that it issues, and the issuer that signs with that. */
function issuerChain(): { collection: string; object: Applied }[] {
  const apiVersion = 'cert-manager.io/v1';
  const issuers = `/apis/${apiVersion}/clusterissuers`;
  return [
    {
      collection: issuers,
      object: { apiVersion, kind: 'ClusterIssuer', metadata: { name: 'demo-self-signed' }, spec: { selfSigned: {} } },
    },
    {
      collection: `/apis/${apiVersion}/namespaces/${namespace}/certificates`,
      object: {
        apiVersion,
        kind: 'Certificate',
        metadata: { name: issuerName, namespace },
        spec: {
          isCA: true,
          commonName: 'kcp-mcp demo CA',
          secretName: issuerName,
          duration: '8760h',
          privateKey: { algorithm: 'ECDSA', size: 256 },
          issuerRef: { group: 'cert-manager.io', kind: 'ClusterIssuer', name: 'demo-self-signed' },
        },
      },
    },
    {
      collection: issuers,
      object: {
        apiVersion,
        kind: 'ClusterIssuer',
        metadata: { name: issuerName },
        spec: { ca: { secretName: issuerName } },
      },
    },
  ];
}
