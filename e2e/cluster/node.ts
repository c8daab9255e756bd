import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stopAll, waitFor } from '../lib/process.ts';
import { silent } from '../lib/progress.ts';
import type { Progress, Step } from '../lib/progress.ts';
import { together } from '../lib/wait.ts';
import type { OIDCOptions } from '../oidc/apiserver-flags.ts';
import { addressesOf } from './addresses.ts';
import type { Addresses } from './addresses.ts';
import { hasCondition, withApi } from './api.ts';
import type { KubeObject } from './api.ts';
import { launchControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { ensurePackages, nodeTools, packageEnvironment } from './debian.ts';
import { ensurePauseImage } from './images.ts';
import { createNamespaces, nodeStateDir, removeNamespaces } from './namespaces.ts';
import type { Namespaces } from './namespaces.ts';
import { cniConfig, containerdConfig, containerdSocket } from './node-config.ts';
import { partBinaries, startControllers, startNodeAgents } from './node-parts.ts';
import type { PartSettings } from './node-parts.ts';
import { nodeRequirements } from './requirements.ts';
import { ensureBinaries } from './toolchain.ts';

export interface ClusterOptions {
  /** Run folder. What an earlier run left there, in whatever state, is removed first. */
  dir: string;
  /** The demo is 0, tests are 1 and up: clusters with different numbers run side by side. */
  instance: number;
  /** Image archives (docker-archive) to import. */
  images?: readonly string[];
  /** An issuer whose tokens the API server accepts; it may be started later. */
  oidc?: OIDCOptions;
  /** YAML files with CustomResourceDefinitions to apply. */
  crds?: readonly string[];
  progress?: Progress;
}

/** A running single-node Kubernetes cluster. Its API server writes an audit log. */
export interface Cluster extends ControlPlane {
  addresses: Addresses;
  /** What Pods must reach listens on this address of the machine (`addresses.gateway`). */
  gateway: string;
  /** The kubectl program that goes with the cluster. */
  kubectl: string;
  /** Imports image archives into the node, beside those there. */
  loadImages(archives: readonly string[]): Promise<void>;
}

/**
 * Starts a whole Kubernetes cluster of one node on this machine: etcd, kube-apiserver, kube-controller-manager,
 * kube-scheduler, and in namespaces of the node's own containerd, kubelet and kube-proxy. Returns when the node is
 * Ready. There is no DNS server and no way from Pods to other machines.
 *
 * @example
 * const cluster = await startCluster({ dir: '.demo', instance: 0, images: await buildImages({ dir: '.demo' }) });
 * await run(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, 'get', 'nodes']);
 * await stopCluster('.demo');
 *
 * @throws when the machine lacks something ({@link nodeRequirements}), the instance is in use, or a part doesn't start;
 *   what was started is removed
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const missing = nodeRequirements();
  if (missing.length) throw new Error(`a node can't run on this machine:\n- ${missing.join('\n- ')}`);
  const addresses = addressesOf(options.instance);
  const dir = resolve(options.dir);
  const progress = options.progress ?? silent;
  const binaries = await ensureBinaries(clusterBinaries, progress);
  const tools = await ensurePackages(nodeTools, progress);
  const pause = await ensurePauseImage(progress);

  await stopCluster(dir);
  const cancel = new AbortController();
  const launching = progress.step('start a Kubernetes cluster', (step) =>
    launch({ ...options, dir, addresses, binaries, tools, pause, step, signal: cancel.signal }),
  );
  launches.set(dir, { cancel, launching });
  try {
    return await launching;
  } catch (error) {
    await removeCluster(dir);
    throw error;
  } finally {
    launches.delete(dir);
  }
}

/** Launches under way in this process, so that a stop leaves nothing that a launch would still make. */
const launches = new Map<string, { cancel: AbortController; launching: Promise<Cluster> }>();

/**
 * Removes a cluster whatever state it is in, also a half-started one or one that lost some of its processes or pid
 * files: processes, Pods, interface, cgroups, data. Logs stay. Does nothing where there is none. A
 * {@link startCluster} under way in this process fails.
 */
export async function stopCluster(dir: string): Promise<void> {
  const own = resolve(dir);
  const current = launches.get(own);
  if (current) {
    current.cancel.abort(new Error('the cluster was stopped while it was starting'));
    await stopAll(own, { graceMs: 3000 });
    await current.launching.catch(() => undefined);
  }
  await removeCluster(own);
}

async function removeCluster(dir: string): Promise<void> {
  await stopAll(dir, { graceMs: 3000 });
  await removeNamespaces(dir);
  await Promise.all(['etcd', 'pki', 'audit'].map((each) => rm(join(dir, each), { recursive: true, force: true })));
}

interface LaunchOptions extends ClusterOptions {
  addresses: Addresses;
  binaries: Record<(typeof clusterBinaries)[number], string>;
  tools: string;
  pause: string;
  step: Step;
  signal: AbortSignal;
}

async function launch(options: LaunchOptions): Promise<Cluster> {
  const { dir, addresses, binaries, tools, pause, step, signal } = options;
  const env = await packageEnvironment(tools);
  const namespaces = await createNamespaces({ dir, addresses, init: binaries.pause, env });
  signal.throwIfAborted();
  step.update('etcd, kube-apiserver, containerd');
  const [{ plane, ca, serviceAccountKeyFile }, loadImages] = await together([
    launchControlPlane({
      ...options,
      dir,
      address: addresses.gateway,
      ports: addresses.ports,
      services: { cidr: addresses.serviceCIDR, address: addresses.serviceAddress },
      audit: true,
    }),
    startContainerd({ dir, addresses, namespaces, tools, images: [pause, ...(options.images ?? [])] }),
  ]);
  signal.throwIfAborted();
  step.update('kubelet, kube-proxy, controllers');
  const settings: PartSettings = { dir, addresses, binaries, namespaces, url: plane.url, ca, serviceAccountKeyFile };
  await together([startControllers(settings), startNodeAgents(settings)]);
  step.update('waiting for the node');
  await nodeReady(plane.kubeconfig, addresses.nodeName, signal);
  return {
    ...plane,
    addresses,
    gateway: addresses.gateway,
    kubectl: binaries.kubectl,
    loadImages,
    stop: () => stopCluster(dir),
  };
}

const clusterBinaries = ['etcd', 'kube-apiserver', 'kubectl', 'pause', ...partBinaries] as const;

interface ContainerdOptions {
  dir: string;
  addresses: Addresses;
  namespaces: Namespaces;
  tools: string;
  images: readonly string[];
}

async function startContainerd(options: ContainerdOptions): Promise<(archives: readonly string[]) => Promise<void>> {
  const { dir, addresses, namespaces, tools, images } = options;
  const state = nodeStateDir(dir);
  const cniConfigDir = join(state, 'cni');
  await mkdir(cniConfigDir, { recursive: true });
  const snapshotter = await fittingSnapshotter(state);
  const cni = cniConfig(addresses, join(state, 'cni-addresses'));
  await writeFile(join(cniConfigDir, '10-bridge.conflist'), JSON.stringify(cni));
  const config = containerdConfig({
    root: join(state, 'containerd'),
    cniConfigDir,
    cniPluginDir: join(tools, 'usr/lib/cni'),
    snapshotter,
  });
  await writeFile(join(state, 'containerd.toml'), config);
  const ctr = (...args: string[]) =>
    namespaces.run('ctr', ['--address', containerdSocket, '--namespace', 'k8s.io', ...args]);
  await namespaces.start({
    name: 'containerd',
    command: 'containerd',
    args: ['--config', join(state, 'containerd.toml')],
    ready: () => ctr('version'),
  });
  const loadImages = async (archives: readonly string[]) => {
    for (const archive of archives) await ctr('images', 'import', '--snapshotter', snapshotter, archive);
  };
  await loadImages(images);
  return loadImages;
}

/** overlayfs can't be stacked on itself: on a machine that is a container, layers are copied instead. */
async function fittingSnapshotter(folder: string): Promise<'overlayfs' | 'native'> {
  const overlayMagic = 0x794c7630; // OVERLAYFS_SUPER_MAGIC, statfs(2)
  return (await statfs(folder)).type === overlayMagic ? 'native' : 'overlayfs';
}

/** Waits until Pods can be scheduled: the node is Ready and the default service account exists. */
async function nodeReady(kubeconfig: string, nodeName: string, signal: AbortSignal): Promise<void> {
  await withApi(kubeconfig, (api) =>
    waitFor(
      `node ${nodeName} to be Ready (see log/kubelet.log)`,
      async () => {
        await api.request('/api/v1/namespaces/default/serviceaccounts/default');
        return hasCondition((await api.request(`/api/v1/nodes/${nodeName}`)) as KubeObject, 'Ready');
      },
      { deadlineMs: 120_000, signal },
    ),
  );
}
