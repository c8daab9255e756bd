// The parts of other projects' objects that the operator reads, and where their kinds are served. Only what is read is
// declared; everything is optional that a foreign controller may not have written yet.

/** Where a kind is served. */
export interface ResourceKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
}

const resource = (group: string, version: string, kind: string, plural: string): ResourceKind => ({
  group,
  version,
  kind,
  plural,
});

export const SECRET = resource('', 'v1', 'Secret', 'secrets');
export const CONFIG_MAP = resource('', 'v1', 'ConfigMap', 'configmaps');
export const SERVICE = resource('', 'v1', 'Service', 'services');
export const SERVICE_ACCOUNT = resource('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const DEPLOYMENT = resource('apps', 'v1', 'Deployment', 'deployments');
export const CERTIFICATE = resource('cert-manager.io', 'v1', 'Certificate', 'certificates');
export const KUBECONFIG = resource('operator.kcp.io', 'v1alpha1', 'Kubeconfig', 'kubeconfigs');
export const CUSTOM_RESOURCE_DEFINITION = resource(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
);

/** `apiVersion` of a kind: `v1` for the core group, else `GROUP/VERSION`. */
export const apiVersionOf = ({ group, version }: ResourceKind): string => (group ? `${group}/${version}` : version);

/** Name of the CustomResourceDefinition of a kind. */
export const crdNameOf = ({ group, plural }: ResourceKind): string => `${plural}.${group}`;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Metadata as the API server sends it: times are RFC 3339 strings. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

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
    /** Failures since the last success; with it `lastFailureTime`. */
    failedIssuanceAttempts?: number;
    lastFailureTime?: string;
  };
}
