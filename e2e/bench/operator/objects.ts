/** The objects that the benchmark makes: KcpMcpServers, what they refer to, and the rights that come with each. */
import { stringify } from 'yaml';
import type { Call } from './pool.ts';
import { APPLY } from './pool.ts';

/** A KcpMcpServer by its place. */
export interface Place {
  namespace: string;
  name: string;
}

/** So that no namespace has very many Roles, through which the API server looks one after the other. */
const NAMESPACES = 20;
export const SOURCE: Place = { namespace: 'bench-source', name: 'kcp-mcp-kubeconfig' };
/** Whose writes are recorded; as long as the others, so that bodies are. */
export const TEMPLATE: Place = { namespace: 'bench-tt', name: 'server-tttt' };
export const OPERATOR = { namespace: 'kcp-mcp-operator-system', name: 'kcp-mcp-operator' };

export const namespaces = [
  ...Array.from({ length: NAMESPACES }, (_, index) => `bench-${String(index).padStart(2, '0')}`),
  TEMPLATE.namespace,
];

export function places(count: number): Place[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: namespaces[index % NAMESPACES] ?? '',
    name: `server-${String(index).padStart(4, '0')}`,
  }));
}

export const keyOf = ({ namespace, name }: Place): string => `${namespace}/${name}`;

/** Paths of the collections in a namespace, by plural. */
export const collections: Record<string, (namespace: string) => string> = {
  kcpmcpservers: (namespace) => `/apis/mcp.kcp.io/v1alpha1/namespaces/${namespace}/kcpmcpservers`,
  kubeconfigs: (namespace) => `/apis/operator.kcp.io/v1alpha1/namespaces/${namespace}/kubeconfigs`,
  certificates: (namespace) => `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates`,
  deployments: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  roles: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  rolebindings: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  events: (namespace) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
  secrets: (namespace) => `/api/v1/namespaces/${namespace}/secrets`,
  services: (namespace) => `/api/v1/namespaces/${namespace}/services`,
  configmaps: (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
  serviceaccounts: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
};

export function pathOf(plural: string, { namespace, name }: Place): string {
  const collection = collections[plural];
  if (!collection) throw new Error(`no collection for ${plural}`);
  return `${collection(namespace)}/${name}`;
}

/** Suffixes of the children's names that the benchmark touches by hand. */
export const CHILDREN = {
  serviceaccounts: '-mcp',
  secrets: '-mcp-kubeconfig',
  configmaps: '-mcp-config',
  certificates: '-mcp-tls',
  services: '-mcp',
  deployments: '-mcp',
} as const;
export type ChildKind = keyof typeof CHILDREN;

export const child = (plural: ChildKind, { namespace, name }: Place): Place => ({
  namespace,
  name: name + CHILDREN[plural],
});

export function kcpMcpServer({ name }: Place, issuerURL: string, kcp: object = { kubeconfigRef: SOURCE }): object {
  return {
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name },
    spec: {
      hostname: `${name}.mcp.example.com`,
      kcp,
      auth: { oidc: { issuerURL, audience: 'platform-mesh' } },
      tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
    },
  };
}

/** Where kcp is said to be, and the CA of its certificate in base64. */
export interface Kcp {
  url: string;
  ca: string;
}

/** The Secret that kcp-operator makes of a Kubeconfig; `workspace` makes each rotation a new one. */
export function kubeconfigSecret({ name }: Place, { url, ca }: Kcp, workspace: string): object {
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'kcp',
        cluster: {
          server: `${url}/clusters/root:${workspace}`,
          'certificate-authority-data': ca,
        },
      },
    ],
    users: [{ name: 'kcp-mcp', user: { 'client-certificate-data': ca, 'client-key-data': ca } }],
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: 'kcp-mcp' } }],
    'current-context': 'kcp',
  });
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { kubeconfig } };
}

export function kubeconfig({ name }: Place): object {
  const spec = {
    target: { frontProxyRef: { name: 'kcp' } },
    username: 'kcp-mcp',
    validity: '8766h',
    secretRef: { name },
  };
  return { apiVersion: 'operator.kcp.io/v1alpha1', kind: 'Kubeconfig', metadata: { name }, spec };
}

/** A Role on these Secrets and its binding to the operator, as they come with the samples (config/samples). */
export function grant(
  name: string,
  namespace: string,
  secrets: readonly { names: readonly string[]; verbs: readonly string[] }[],
): Call[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = secrets.map(({ names, verbs }) => ({
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: names,
    verbs,
  }));
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
  const subjects = [{ kind: 'ServiceAccount', ...OPERATOR }];
  return [
    apply('roles', { namespace, name }, { apiVersion, kind: 'Role', metadata: { name }, rules }),
    apply(
      'rolebindings',
      { namespace, name },
      { apiVersion, kind: 'RoleBinding', metadata: { name }, roleRef, subjects },
    ),
  ];
}

export function apply(plural: string, place: Place, body: object): Call {
  const path = `${pathOf(plural, place)}?fieldManager=bench&force=true`;
  return { method: 'PATCH', path, contentType: APPLY, body };
}

/** What the Deployment controller writes once the Pods run. */
export const podsRun = (generation: number): object => ({
  status: {
    observedGeneration: generation,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    conditions: [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: '' },
    ],
  },
});

/** What it writes while they start, and leaves if they never become ready. */
export const podsStart = (generation: number): object => ({
  status: {
    observedGeneration: generation,
    replicas: 1,
    updatedReplicas: 1,
    unavailableReplicas: 1,
    conditions: [
      { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: '' },
      { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: '' },
    ],
  },
});

/** What cert-manager writes once it has the certificate. */
export const certificateIssued = (): object => ({
  status: {
    notAfter: '2036-01-01T00:00:00Z',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'Certificate is up to date and has not expired',
        lastTransitionTime: new Date().toISOString(),
      },
    ],
  },
});
