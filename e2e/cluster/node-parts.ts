/** The programs of a cluster beside etcd, kube-apiserver and containerd. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueCertificate } from '../lib/certs.ts';
import type { CertificateAuthority } from '../lib/certs.ts';
import { startProcess } from '../lib/process.ts';
import { together } from '../lib/wait.ts';
import type { Addresses } from './addresses.ts';
import { issueKubeconfig } from './kubeconfig.ts';
import { nodeStateDir } from './namespaces.ts';
import type { Namespaces } from './namespaces.ts';
import { kubeProxyConfig, kubeletConfig } from './node-config.ts';
import type { BinaryName } from './toolchain.ts';

/** What {@link startControllers} and {@link startNodeAgents} run. */
export const partBinaries = [
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
] as const satisfies BinaryName[];

export interface PartSettings {
  dir: string;
  addresses: Addresses;
  binaries: Record<(typeof partBinaries)[number], string>;
  namespaces: Namespaces;
  url: string;
  ca: CertificateAuthority;
  serviceAccountKeyFile: string;
}

/** A kubeconfig for one of the cluster's own parts, with the user name that its RBAC rules are bound to. */
function partKubeconfig({ dir, url, ca }: PartSettings, name: string, user: string, groups: readonly string[] = []) {
  const file = join(dir, 'pki', `${name}.kubeconfig`);
  return issueKubeconfig(ca, { file, url, dir: join(dir, 'pki'), name, user, groups });
}

/** Starts kube-controller-manager and kube-scheduler on the machine. */
export async function startControllers(settings: PartSettings): Promise<void> {
  const { dir, addresses, binaries, ca, serviceAccountKeyFile } = settings;
  const start = async (name: 'kube-controller-manager' | 'kube-scheduler', port: number, more: string[]) => {
    const kubeconfig = await partKubeconfig(settings, name, `system:${name}`);
    await startProcess({
      dir,
      name,
      command: binaries[name],
      args: [
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        ...more,
      ],
      stopSignal: 'SIGKILL',
    });
  };
  await together([
    start('kube-controller-manager', addresses.ports.controllerManager, [
      `--service-account-private-key-file=${serviceAccountKeyFile}`,
      `--root-ca-file=${ca.certFile}`,
      '--use-service-account-credentials=true',
      // It makes this folder, by default in /usr/libexec.
      `--flex-volume-plugin-dir=${join(nodeStateDir(dir), 'volume-plugins')}`,
    ]),
    start('kube-scheduler', addresses.ports.scheduler, []),
  ]);
}

/** Starts kubelet and kube-proxy inside the node. */
export async function startNodeAgents(settings: PartSettings): Promise<void> {
  const { dir, addresses, binaries, namespaces, ca } = settings;
  const state = nodeStateDir(dir);
  const { nodeName, nodeAddress } = addresses;
  const [kubeletKubeconfig, proxyKubeconfig, serving] = await Promise.all([
    partKubeconfig(settings, 'kubelet', `system:node:${nodeName}`, ['system:nodes']),
    partKubeconfig(settings, 'kube-proxy', 'system:kube-proxy'),
    issueCertificate(ca, {
      dir: join(dir, 'pki'),
      name: 'kubelet-serving',
      commonName: `system:node:${nodeName}`,
      organizations: ['system:nodes'],
      hosts: [nodeName, nodeAddress],
    }),
  ]);
  const [kubeletFile, proxyFile, resolvConf] = ['kubelet.json', 'kube-proxy.json', 'resolv.conf'].map((file) =>
    join(state, file),
  ) as [string, string, string];
  await writeFile(resolvConf, '');
  const kubelet = kubeletConfig({
    clientCAFile: ca.certFile,
    tlsCertFile: serving.certFile,
    tlsPrivateKeyFile: serving.keyFile,
    resolvConf,
  });
  await writeFile(kubeletFile, JSON.stringify(kubelet));
  await writeFile(proxyFile, JSON.stringify(kubeProxyConfig(addresses, proxyKubeconfig)));
  await together([
    namespaces.start({
      name: 'kubelet',
      command: binaries.kubelet,
      args: [
        `--config=${kubeletFile}`,
        `--kubeconfig=${kubeletKubeconfig}`,
        `--hostname-override=${nodeName}`,
        `--node-ip=${nodeAddress}`,
        '--root-dir=/var/lib/kubelet',
        `--cert-dir=${join(state, 'kubelet-pki')}`,
      ],
    }),
    namespaces.start({ name: 'kube-proxy', command: binaries['kube-proxy'], args: [`--config=${proxyFile}`] }),
  ]);
}
