import type { KcpMcpServer, KcpMcpServerSpec } from '../api/kcp-mcp-server.ts';
import { endpointPort } from './endpoint.ts';
import type { KubeconfigCopy } from './kubeconfig-copy.ts';
import type {
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from './kubernetes-types.ts';
import { childMetadata, childNames, selectorLabels } from './names.ts';
import { HEALTH_PORT } from './pod-layout.ts';

type Wanted = NonNullable<KcpMcpServerSpec['networkPolicy']>;

const tcp = (port: number): NetworkPolicyPort => ({ protocol: 'TCP', port });

/** To wherever DNS is: a cache on each node, for instance, is in no namespace. */
const DNS: NetworkPolicyEgressRule = { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] };

/**
 * What the Pods may be reached by and may reach. Ports are numbers, since not every network plugin knows those of Pods by
 * name. What says nothing about whom means everybody.
 */
export function networkPolicy(
  server: KcpMcpServer,
  wanted: Wanted,
  { kubeconfig }: { kubeconfig: Pick<KubeconfigCopy, 'server'> },
): NetworkPolicy {
  const { name } = server.metadata;
  const { from, metricsFrom } = wanted.ingress;
  const { cidrs, additional = [] } = wanted.egress;
  const urls = [kubeconfig.server, server.spec.auth.oidc?.issuerURL].filter((url) => url !== undefined);
  const ports = [...new Set(urls.map(portOf))].sort((a, b) => a - b).map(tcp);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: childMetadata(server, childNames(name).workload),
    spec: {
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { ports: [tcp(endpointPort(server).containerPort)], ...(from && { from: from as NetworkPolicyPeer[] }) },
        ...(metricsFrom ? [{ ports: [tcp(HEALTH_PORT)], from: metricsFrom as NetworkPolicyPeer[] }] : []),
      ],
      egress: [
        DNS,
        { ports, ...(cidrs && { to: cidrs.map((cidr) => ({ ipBlock: { cidr } })) }) },
        ...additional.map(({ cidr, ports }) => ({
          ports: ports as NetworkPolicyPort[],
          ...(cidr !== undefined && { to: [{ ipBlock: { cidr } }] }),
        })),
      ],
    },
  };
}

/** Of an https URL. */
const portOf = (url: string): number => Number(new URL(url).port || 443);
