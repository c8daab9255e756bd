// The cluster that the operator runs in: a local node of our own, or a context of the person's.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCertManager } from '../cluster/cert-manager.ts';
import { buildImages } from '../cluster/images.ts';
import { startCluster } from '../cluster/node.ts';
import { ensureBinaries } from '../cluster/toolchain.ts';
import { run } from '../lib/process.ts';
import type { Progress } from '../lib/progress.ts';
import type { OIDCOptions } from '../oidc/apiserver-flags.ts';
import { hostAddress, provideImages, rememberUndo } from './context.ts';
import type { UsedContext } from './context.ts';
import type { Images } from './requirements.ts';
import { SERVER, SOURCE } from './sample.ts';

/** kubectl bound to one cluster. @throws with kubectl's own words */
export type Kubectl = (args: readonly string[], input?: object) => Promise<string>;

export interface Host {
  kubeconfig: string;
  context?: string;
  /** Flags that choose the cluster for kubectl. */
  flags: string[];
  kubectl: Kubectl;
  /** This machine's address, for Pods and for the person alike. */
  address: string;
  /** How the Service is reached from this machine. */
  forward: 'clusterip' | 'port-forward';
  images: Images;
  issuerRef: { name: string; kind: 'ClusterIssuer' | 'Issuer' };
  /** The CA that the issuer signs with, PEM. */
  readIssuerCA(): Promise<string>;
  /** Notes how to undo what is about to be made; a cluster of our own is thrown away whole. */
  undoLater(...args: string[]): void;
}

export interface HostOptions {
  dir: string;
  instance: number;
  version: string;
  progress: Progress;
}

/**
 * Boots a node of our own, cert-manager with ClusterIssuer `demo-ca`, and loads both images into it.
 *
 * @param options `oidc` is the issuer whose users may sign in at its API server; it is started later
 */
export async function ownNode({ dir, instance, oidc, progress }: HostOptions & { oidc: OIDCOptions }): Promise<Host> {
  const { kubectl } = await ensureBinaries(['kubectl'], progress);
  const images = await buildImages({ progress });
  const archives = [images.operator.archive, images.runtime.archive];
  const cluster = await startCluster({ dir, instance, images: archives, oidc, progress });
  const certManager = await progress.step('start cert-manager with a CA ClusterIssuer', () =>
    startCertManager({ dir, kubeconfig: cluster.kubeconfig, progress }),
  );
  const flags = ['--kubeconfig', cluster.kubeconfig];
  return {
    kubeconfig: cluster.kubeconfig,
    flags,
    kubectl: kubectlWith(kubectl, flags),
    address: cluster.gateway,
    forward: 'clusterip',
    images: { operator: images.operator.name, runtime: images.runtime.name },
    issuerRef: { name: certManager.issuerName, kind: 'ClusterIssuer' },
    readIssuerCA: () => readFile(certManager.caFile, 'utf8'),
    undoLater: () => undefined,
  };
}

/**
 * Uses a context of the person's kubeconfig.
 *
 * @throws when namespaces of the demo's names are already there, or cert-manager isn't
 */
export async function existingCluster(context: string, { dir, version, progress }: HostOptions): Promise<Host> {
  const { kubectl: program } = await ensureBinaries(['kubectl'], progress);
  // A copy: what the person does to their current context meanwhile must not redirect the demo.
  const kubeconfig = join(dir, 'host.kubeconfig');
  // Flattened: paths in it are relative to where the original lies. Minified: other clusters are none of our business.
  const view = ['config', 'view', '--raw', '--flatten', '--minify', '--context', context];
  await writeFile(kubeconfig, await run(program, view), { mode: 0o600 });
  const flags = ['--kubeconfig', kubeconfig, '--context', context];
  const kubectl = kubectlWith(program, flags);
  await progress.step(`looking at ${context}`, async () => {
    await kubectl(['version', '--request-timeout=10s']);
    const found = await kubectl([
      'get',
      'namespace',
      SERVER.namespace,
      SOURCE.namespace,
      '-o',
      'name',
      '--ignore-not-found',
    ]);
    if (found.trim() !== '') {
      throw new Error(
        `${context} already has ${found.trim().replaceAll('\n', ' and ')}: the demo takes nobody's namespace`,
      );
    }
    await kubectl(['get', 'crd', 'certificates.cert-manager.io', '-o', 'name']).catch((error: unknown) => {
      throw new Error(`cert-manager is not installed in ${context}: install it first`, { cause: error });
    });
  });
  const used: UsedContext = { context, kubectl: program, flags, undo: [] };
  const images = await provideImages(context, version, progress);
  return {
    kubeconfig,
    context,
    flags,
    kubectl,
    address: hostAddress(),
    forward: 'port-forward',
    images,
    issuerRef: { name: 'demo-ca', kind: 'Issuer' },
    readIssuerCA: () => makeNamespacedCA(kubectl),
    undoLater: (...args) => {
      rememberUndo(dir, used, ...args);
    },
  };
}

/** A self-signed CA and an Issuer in the sample's namespace, which goes with it. Returns the CA. */
async function makeNamespacedCA(kubectl: Kubectl): Promise<string> {
  const { namespace } = SERVER;
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'cert-manager.io/v1',
    kind,
    metadata: { name, namespace },
    spec,
  });
  const items = [
    object('Issuer', 'demo-selfsigned', { selfSigned: {} }),
    object('Certificate', 'demo-ca', {
      isCA: true,
      commonName: 'kcp-mcp demo CA',
      secretName: 'demo-ca',
      privateKey: { algorithm: 'ECDSA', size: 256 },
      issuerRef: { name: 'demo-selfsigned', kind: 'Issuer' },
    }),
    object('Issuer', 'demo-ca', { ca: { secretName: 'demo-ca' } }),
  ];
  await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
  await kubectl(['wait', '--for=condition=Ready', 'certificate/demo-ca', '-n', namespace, '--timeout=60s']);
  const data = await kubectl(['get', 'secret', 'demo-ca', '-n', namespace, '-o', 'jsonpath={.data.ca\\.crt}']);
  return Buffer.from(data, 'base64').toString();
}

function kubectlWith(program: string, flags: readonly string[]): Kubectl {
  return (args, input) =>
    run(program, [...flags, ...args], input === undefined ? {} : { input: JSON.stringify(input) });
}
