// The parts of other projects' objects that the operator reads, and where their kinds are served. Only what is read is
// declared; everything is optional that a foreign controller may not have written yet.

import type { ObjectMeta, Resource } from '../kube/types.ts';

const namespaced = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
});

export const SECRET = namespaced('', 'v1', 'Secret', 'secrets');
export const CONFIG_MAP = namespaced('', 'v1', 'ConfigMap', 'configmaps');
export const POD = namespaced('', 'v1', 'Pod', 'pods');
export const SERVICE = namespaced('', 'v1', 'Service', 'services');
export const SERVICE_ACCOUNT = namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const DEPLOYMENT = namespaced('apps', 'v1', 'Deployment', 'deployments');
export const NETWORK_POLICY = namespaced('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies');
export const POD_DISRUPTION_BUDGET = namespaced('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const HORIZONTAL_POD_AUTOSCALER = namespaced(
  'autoscaling',
  'v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
);
export const INGRESS = namespaced('networking.k8s.io', 'v1', 'Ingress', 'ingresses');
export const CERTIFICATE = namespaced('cert-manager.io', 'v1', 'Certificate', 'certificates');
export const CERTIFICATE_REQUEST = namespaced('cert-manager.io', 'v1', 'CertificateRequest', 'certificaterequests');
export const KUBECONFIG = namespaced('operator.kcp.io', 'v1alpha1', 'Kubeconfig', 'kubeconfigs');
export const FRONT_PROXY = namespaced('operator.kcp.io', 'v1alpha1', 'FrontProxy', 'frontproxies');
export const ROOT_SHARD = namespaced('operator.kcp.io', 'v1alpha1', 'RootShard', 'rootshards');
export const CUSTOM_RESOURCE_DEFINITION: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Name of the CustomResourceDefinition of a kind. */
export const crdNameOf = ({ group, plural }: Resource): string => `${plural}.${group}`;

/** metav1.Condition, and cert-manager's, whose reason and message may be absent. */
export interface ForeignCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

/** operator.kcp.io/v1alpha1 Kubeconfig (kcp-operator): it writes a kubeconfig into the Secret `secretRef.name`. */
export interface KcpKubeconfig {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: {
    /** One of frontProxyRef, rootShardRef and shardRef, in the same namespace. */
    target?: { frontProxyRef?: { name?: string } };
    groups?: string[];
    /** Secret of the same namespace, key {@link KUBECONFIG_SECRET_KEY}. */
    secretRef: { name?: string };
    /** Workspace path that the server URL ends with; `root` when left out. */
    targetWorkspace?: string;
  };
  status?: {
    /** Provisioning, Ready or Failed. */
    phase?: string;
    targetName?: string;
    conditions?: ForeignCondition[];
  };
}

/** Whom a front-proxy or root shard of kcp-operator believes; beside these, what its `extraArgs` say. */
export interface KcpAuth {
  oidc?: {
    issuerURL?: string;
    clientID?: string;
    /** Secret of the same namespace with the issuer's CA, by default under `ca.crt`. */
    caFileRef?: { name?: string; key?: string };
  };
  webhook?: object;
  tokenAuthFile?: object;
}

/** operator.kcp.io/v1alpha1 FrontProxy (kcp-operator): what people and machines reach kcp through. */
export interface KcpFrontProxy {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: {
    auth?: KcpAuth;
    /** RootShard of the same namespace. */
    rootShard?: { ref?: { name?: string } };
  };
}

/** operator.kcp.io/v1alpha1 RootShard (kcp-operator). What its front-proxies don't authenticate, it does. */
export interface KcpRootShard {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: { auth?: KcpAuth };
}

/** Key of the Secret that kcp-operator writes a kubeconfig under. */
export const KUBECONFIG_SECRET_KEY = 'kubeconfig';

/** cert-manager.io/v1 Certificate; condition `Ready` says whether the Secret holds what the spec asks for. */
export interface CertManagerCertificate {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: { secretName: string };
  status?: {
    conditions?: ForeignCondition[];
    /** RFC 3339. */
    notAfter?: string;
    renewalTime?: string;
    /** Of the certificate that was issued last; that of the next CertificateRequest is one more. */
    revision?: number;
    /** Failures since the last success; with it `lastFailureTime`. */
    failedIssuanceAttempts?: number;
    lastFailureTime?: string;
  };
}

/** cert-manager.io/v1 CertificateRequest: one attempt to get a certificate, with the labels of its Certificate. */
export interface CertManagerCertificateRequest {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  status?: { conditions?: ForeignCondition[] };
}
