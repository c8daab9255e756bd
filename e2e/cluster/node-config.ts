import type { Addresses } from './addresses.ts';

/** Where containerd listens, as seen inside the node. */
export const containerdSocket = '/run/containerd/containerd.sock';

/** The image of every Pod's first container; it is imported before kubelet starts. */
export const pauseImage = 'localhost/kcp-mcp-pause:1';

export interface ContainerdSettings {
  /** Folder for images and snapshots. */
  root: string;
  cniConfigDir: string;
  cniPluginDir: string;
  snapshotter: 'overlayfs' | 'native';
}

/** containerd's configuration (version 2, containerd 1.6 and 1.7). */
export function containerdConfig({ root, cniConfigDir, cniPluginDir, snapshotter }: ContainerdSettings): string {
  const text = (value: string) => JSON.stringify(value);
  return `version = 2
root = ${text(root)}
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = ${text(containerdSocket)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(pauseImage)}
  # A machine without CAP_SYS_RESOURCE (a virtual machine's container, say) can't lower a score below its own.
  restrict_oom_score_adj = true
  # Loading a profile would change the machine's kernel.
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = ${text(snapshotter)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = ${text(cniConfigDir)}
    bin_dir = ${text(cniPluginDir)}
`;
}

/** The name of the bridge inside the node that Pods and the way to the machine are attached to. */
export const bridgeName = 'pods';

/**
 * How a Pod gets its network: a port on the node's bridge and an address. The machine is the default gateway, the node
 * routes to ClusterIPs.
 */
export function cniConfig(addresses: Addresses, dataDir: string): object {
  return {
    cniVersion: '0.4.0',
    name: 'kcp-mcp',
    plugins: [
      {
        type: 'bridge',
        bridge: bridgeName,
        isGateway: false,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir,
          ranges: [[{ subnet: addresses.podCIDR, rangeStart: addresses.firstPodAddress, gateway: addresses.gateway }]],
          routes: [{ dst: '0.0.0.0/0' }, { dst: addresses.serviceCIDR, gw: addresses.nodeAddress }],
        },
      },
      { type: 'loopback' },
    ],
  };
}

export interface KubeletSettings {
  clientCAFile: string;
  tlsCertFile: string;
  tlsPrivateKeyFile: string;
  resolvConf: string;
}

/** kubelet's configuration: callers are authenticated and authorized by the API server. */
export function kubeletConfig(settings: KubeletSettings): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      x509: { clientCAFile: settings.clientCAFile },
      webhook: { enabled: true },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: settings.tlsCertFile,
    tlsPrivateKeyFile: settings.tlsPrivateKeyFile,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    // Machines with cgroup v1 are on their way out, but still there.
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // There is no DNS server in the cluster, and the machine's own can't be reached: fail at once rather than time out.
    resolvConf: settings.resolvConf,
    readOnlyPort: 0,
    // Logs of services and files in /var/log, for those who may reach kubelets through the API server.
    featureGates: { NodeLogQuery: true },
    enableSystemLogQuery: true,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // It would act on the machine's iptables, for dockershim's sake.
    makeIPTablesUtilChains: false,
    // An error instead of a write to the machine's sysctls.
    protectKernelDefaults: true,
    // Images can't be pulled again, and a nearly full disk is the person's business, not a reason to evict.
    evictionHard: { 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
    // Secrets and ConfigMaps reach Pods within seconds.
    syncFrequency: '5s',
    fileCheckFrequency: '0s',
    nodeStatusUpdateFrequency: '5s',
    shutdownGracePeriod: '0s',
  };
}

/** kube-proxy's configuration: nftables, inside the node's network namespace. */
export function kubeProxyConfig(addresses: Addresses, kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig },
    mode: 'nftables',
    clusterCIDR: addresses.podCIDR,
    hostnameOverride: addresses.nodeName,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    // Pods and the machine are on one link: unless the node is the sender, the answer wouldn't come back through it.
    nftables: { masqueradeAll: true, minSyncPeriod: '100ms' },
    // The kernel's own limits stay.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
