// What a KcpMcpServer is made of. Every builder is a pure function of the server and of the references that were
// resolved for it; testdata/ holds what they build, file by file.
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { KubeObject, ObjectKey } from '../kube/types.ts';
import { type CertManagerCertificateInput, certificate } from './certificate.ts';
import { configMap } from './config-map.ts';
import type { DropIn } from './drop-in.ts';
import { deployment } from './deployment.ts';
import { type Exposing, exposing } from './exposure.ts';
import type { KubeconfigCopy } from './kubeconfig-copy.ts';
import { indexSecret } from './index-secret.ts';
import { kubeconfigSecret } from './kubeconfig-secret.ts';
import { networkPolicy } from './network-policy.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { service } from './service.ts';
import { serviceAccount } from './service-account.ts';

export { InvalidConfigError } from './config-map.ts';
export { type DropIn, InvalidDropInError, readDropIn } from './drop-in.ts';
export { copyKubeconfig, type KubeconfigCopy, KubeconfigError, kubeconfigSha256 } from './kubeconfig-copy.ts';
export { kubeconfigSecret } from './kubeconfig-secret.ts';
export { inboundAudience } from './config-map.ts';
export { certificateSecret, endpointPort, publicHosts, publicURL, servicePort } from './endpoint.ts';
export { type Exposing, exposing } from './exposure.ts';
export * from './names.ts';

/** What the spec refers to, read and checked. */
export interface ResolvedReferences {
  /** Where kcp is; see {@link copyKubeconfig}. */
  kubeconfig: KubeconfigCopy;
  /** The identity that makes the index, with `spec.inventory.mode: Index`. */
  index?: { copy: KubeconfigCopy; frontProxy: ObjectKey };
  /** PEM of the issuer's CA where the spec doesn't name it but a FrontProxy does. */
  issuerCA?: string;
  /** Further configuration; see {@link readDropIn}. */
  dropIn?: DropIn;
  /** Image of the server where the spec names none. */
  runtimeImage: string;
  /** Number of Pods to ask for; left out where others say how many. */
  replicas?: number;
}

/** The children of a KcpMcpServer, in the order in which they are applied: what a Pod mounts comes before the Pods. */
export interface Children extends Partial<Record<Exposing['child'], KubeObject>> {
  serviceAccount: ReturnType<typeof serviceAccount>;
  kubeconfigSecret: ReturnType<typeof kubeconfigSecret>;
  /** With `spec.inventory.mode: Index`. */
  indexSecret?: ReturnType<typeof indexSecret>;
  configMap: ReturnType<typeof configMap>;
  /** Left out when somebody else keeps the certificate (`spec.tls.secretName`). */
  certificate?: CertManagerCertificateInput;
  service: ReturnType<typeof service>;
  /** Left out where the spec asks for none. */
  networkPolicy?: ReturnType<typeof networkPolicy>;
  deployment: ReturnType<typeof deployment>;
  /** Left out where there is no more than one Pod. */
  podDisruptionBudget?: ReturnType<typeof podDisruptionBudget>;
}

/**
 * Builds every child of the server.
 * @throws InvalidConfigError if the spec can't be expressed in config.toml
 */
export function buildAll(server: KcpMcpServer, references: ResolvedReferences): Children {
  return {
    serviceAccount: serviceAccount(server),
    kubeconfigSecret: kubeconfigSecret(server, references),
    ...(references.index
      ? { indexSecret: indexSecret(server, references.index.copy, references.index.frontProxy) }
      : {}),
    configMap: configMap(server, references.dropIn, references.issuerCA),
    ...(server.spec.tls.issuerRef ? { certificate: certificate(server, server.spec.tls.issuerRef) } : {}),
    service: service(server),
    ...(server.spec.networkPolicy
      ? { networkPolicy: networkPolicy(server, server.spec.networkPolicy, references) }
      : {}),
    ...Object.fromEntries(exposing(server).map(({ child, object }) => [child, object])),
    deployment: deployment(server, references),
    ...((references.replicas ?? 1) > 1 ? { podDisruptionBudget: podDisruptionBudget(server) } : {}),
  };
}
