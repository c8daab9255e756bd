/**
 * The life of a KcpMcpServer that has everything which this version can make: a new child is cut at by asking for it here, and
 * by playing, in controllers.ts, whoever it waits for.
 */
import { gatewayAPICRDs } from '../../../../e2e/cluster/gateway-api.ts';
import { certManagerCRDs, CRDS } from '../../reconcile/testing/environment.ts';

/** CRDs of all kinds that it takes. */
export async function courseCRDs(): Promise<string[]> {
  const gatewayAPI = Object.values(await gatewayAPICRDs());
  const kcpOperator = [CRDS.kubeconfigs, CRDS.frontProxies, CRDS.rootShards];
  return [CRDS.ours, ...kcpOperator, await certManagerCRDs(), ...gatewayAPI];
}

export const course = {
  /** Beside hostname, frontProxyRef and issuerRef. Two replicas bring a PodDisruptionBudget. */
  spec: { networkPolicy: {}, deployment: { replicas: 2 }, exposure: { ingress: {} }, inventory: { mode: 'Index' } },
  /** Merged into the spec, one after the other; the last leaves nothing optional, and a certificate that somebody else keeps. */
  changes: [
    {
      tools: { readOnly: true },
      deployment: { replicas: 3 },
      exposure: { ingress: null, gateway: { parentRefs: [{ name: 'public' }], route: 'TLS' } },
      networkPolicy: { egress: { cidrs: ['10.0.0.0/8'] } },
    },
    { exposure: { gateway: { route: 'HTTP' } } },
    {
      tls: { issuerRef: null, secretName: 'wildcard' },
      deployment: { replicas: 1 },
      exposure: null,
      inventory: { mode: 'Caller' },
      networkPolicy: null,
    },
  ],
  /** Where kcp is after the rotation of its kubeconfig. */
  elsewhere: 'https://kcp-2.example.com:6443',
};
