/** Where the parts of one instance are. Instances with different numbers run side by side. */
export interface Addresses {
  instance: number;
  nodeName: string;
  /** Interface on the machine's side; the node's bridge is on the other end. */
  linkName: string;
  /** Pods' addresses are from here. */
  podCIDR: string;
  /** The first that a Pod may get: the ones below are `gateway` and `nodeAddress`. */
  firstPodAddress: string;
  /** The machine itself as Pods see it: what they must reach (API server, kcp, issuer) listens here. */
  gateway: string;
  /** The node: kubelet, and the router to ClusterIPs. */
  nodeAddress: string;
  /** ClusterIPs, reachable from Pods and from the machine. */
  serviceCIDR: string;
  /** ClusterIP of Service `kubernetes`. */
  serviceAddress: string;
  /** On `gateway`, or on loopback. An instance has the hundred from `base` on; those from `base + 10` on are free. */
  ports: {
    base: number;
    apiserver: number;
    etcd: number;
    etcdPeer: number;
    controllerManager: number;
    scheduler: number;
  };
}

/**
 * The addresses of an instance (the demo is 0, tests are 1 and up).
 *
 * @throws RangeError when there is no such instance
 */
export function addressesOf(instance: number): Addresses {
  if (!Number.isInteger(instance) || instance < 0 || instance > 99) {
    throw new RangeError(`instance must be a whole number from 0 to 99, not ${instance}`);
  }
  const base = 20_000 + 100 * instance;
  return {
    instance,
    nodeName: `kcp-mcp-${instance}`,
    linkName: `kcpmcp${instance}`,
    podCIDR: `10.244.${instance}.0/24`,
    firstPodAddress: `10.244.${instance}.10`,
    gateway: `10.244.${instance}.1`,
    nodeAddress: `10.244.${instance}.2`,
    serviceCIDR: `10.96.${instance}.0/24`,
    serviceAddress: `10.96.${instance}.1`,
    ports: {
      base,
      apiserver: base,
      etcd: base + 1,
      etcdPeer: base + 2,
      controllerManager: base + 3,
      scheduler: base + 4,
    },
  };
}
