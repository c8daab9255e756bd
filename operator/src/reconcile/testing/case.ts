/** One KcpMcpServer with all that it needs, in two namespaces of its own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { repoRoot } from '../../../../e2e/lib/cache.ts';
import { waitFor } from '../../../../e2e/lib/wait.ts';
import type { Condition, KcpMcpServer } from '../../api/kcp-mcp-server.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { Environment } from './environment.ts';

export const NAME = 'vespucci';
/** Name of the Kubeconfig, and of its Secret. */
export const SOURCE = 'kcp-mcp-kubeconfig';
const DEADLINE = { deadlineMs: 15_000, intervalMs: 20 };

/** Kind and suffix of each child. */
export const CHILDREN = [
  ['ServiceAccount', 'mcp'],
  ['Secret', 'mcp-kubeconfig'],
  ['ConfigMap', 'mcp-config'],
  ['Certificate', 'mcp-tls'],
  ['Service', 'mcp'],
  ['Deployment', 'mcp'],
] as const;

/** What a child is read as. */
export interface Child extends KubeObject {
  spec?: Record<string, unknown>;
  data?: Record<string, string>;
  status?: Record<string, unknown>;
}

/** Paths of the collections of a namespace. */
const COLLECTIONS: Record<string, (namespace: string) => string> = {
  Secret: (namespace) => `/api/v1/namespaces/${namespace}/secrets`,
  ConfigMap: (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
  Service: (namespace) => `/api/v1/namespaces/${namespace}/services`,
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  Deployment: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  NetworkPolicy: (namespace) => `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`,
  PodDisruptionBudget: (namespace) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  HorizontalPodAutoscaler: (namespace) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
  Certificate: (namespace) => `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates`,
  Ingress: (namespace) => `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
  HTTPRoute: (namespace) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`,
  TLSRoute: (namespace) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/tlsroutes`,
  BackendTLSPolicy: (namespace) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/backendtlspolicies`,
  Kubeconfig: (namespace) => `/apis/operator.kcp.io/v1alpha1/namespaces/${namespace}/kubeconfigs`,
  FrontProxy: (namespace) => `/apis/operator.kcp.io/v1alpha1/namespaces/${namespace}/frontproxies`,
  RootShard: (namespace) => `/apis/operator.kcp.io/v1alpha1/namespaces/${namespace}/rootshards`,
  KcpMcpServer: (namespace) => `/apis/mcp.kcp.io/v1alpha1/namespaces/${namespace}/kcpmcpservers`,
  Pod: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
  Event: (namespace) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
};

export interface KubeconfigOptions {
  server?: string;
  /** Fields of the user, beside an inline client certificate and key. */
  user?: Record<string, unknown>;
  cluster?: Record<string, unknown>;
}

/** What must never leave the source namespace. */
export const CREDENTIAL = 'c2VjcmV0LWNyZWRlbnRpYWw=';

export type Case = Awaited<ReturnType<typeof newCase>>;

let cases = 0;

/** @param options.roles the Roles that come with every sample; default true */
export async function newCase(env: Environment, { roles = true } = {}) {
  const { api } = env;
  cases += 1;
  const namespace = `mcp-${cases}`;
  const source = `kcp-${cases}`;
  for (const name of [namespace, source]) {
    await api.request('/api/v1/namespaces', { method: 'POST', body: { metadata: { name } } });
  }

  const path = (kind: string, name: string, where = namespace): string => {
    const collection = COLLECTIONS[kind];
    if (!collection) throw new Error(`no collection for ${kind}`);
    return `${collection(where)}/${name}`;
  };
  const apply = async (kind: string, name: string, body: object, where = namespace): Promise<void> => {
    const apiVersion = apiVersionOf(path(kind, name, where));
    await api.request(`${path(kind, name, where)}?fieldManager=test&force=true`, {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion, kind, metadata: { name }, ...body },
    });
  };
  const patch = async (
    kind: string,
    name: string,
    body: object,
    { where = namespace, sub = '' } = {},
  ): Promise<void> => {
    const contentType = 'application/merge-patch+json';
    await api.request(`${path(kind, name, where)}${sub}`, { method: 'PATCH', contentType, body });
  };
  const find = async (kind: string, name: string, where = namespace): Promise<Child | undefined> => {
    try {
      return (await api.request(path(kind, name, where))) as Child;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  };
  const remove = async (kind: string, name: string, where = namespace): Promise<void> => {
    await api.request(path(kind, name, where), { method: 'DELETE' });
  };

  if (roles) {
    for (const file of ['source-role.yaml', 'target-role.yaml']) await applySample(env, file, { namespace, source });
  }

  const self = {
    namespace,
    source,
    path,
    apply,
    patch,
    find,
    remove,

    /** A child that exists, or comes to. */
    child: (kind: string, suffix: string): Promise<Child> =>
      waitFor(`${kind} ${NAME}-${suffix}`, () => find(kind, `${NAME}-${suffix}`), DEADLINE),

    /** As kcp-operator does it: the Kubeconfig, and its Secret. */
    async createSource(options: KubeconfigOptions = {}): Promise<void> {
      await self.writeSourceSecret(await self.kubeconfig(options));
      await self.createKubeconfig();
    },
    async createKubeconfig(): Promise<void> {
      const spec = {
        target: { frontProxyRef: { name: 'vespucci' } },
        username: 'kcp-mcp',
        validity: '8766h',
        secretRef: { name: SOURCE },
      };
      await apply('Kubeconfig', SOURCE, { spec }, source);
      await self.setPhase('Ready');
    },
    setPhase: (phase: string) => patch('Kubeconfig', SOURCE, { status: { phase } }, { where: source, sub: '/status' }),
    writeSourceSecret: (text: string | undefined, key = 'kubeconfig') =>
      apply('Secret', SOURCE, text === undefined ? {} : { stringData: { [key]: text } }, source),
    async kubeconfig({ server, user = {}, cluster = {} }: KubeconfigOptions = {}): Promise<string> {
      const ca = (await readFile(env.plane.caFile)).toString('base64');
      return stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name: 'default',
            cluster: {
              server: server ?? 'https://kcp.example.com:6443/clusters/root',
              'certificate-authority-data': ca,
              ...cluster,
            },
          },
        ],
        users: [
          {
            name: 'kcp-mcp',
            user: { 'client-certificate-data': CREDENTIAL, 'client-key-data': CREDENTIAL, token: CREDENTIAL, ...user },
          },
        ],
        contexts: [{ name: 'default', context: { cluster: 'default', user: 'kcp-mcp' } }],
        'current-context': 'default',
      });
    },

    createServer: (spec: Record<string, unknown> = {}) =>
      apply('KcpMcpServer', NAME, {
        spec: {
          hostname: 'mcp.vespucci.example.com',
          kcp: { kubeconfigRef: { name: SOURCE, namespace: source } },
          auth: { oidc: { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' } },
          tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
          ...spec,
        },
      }),
    async server(): Promise<KcpMcpServer> {
      return (await find('KcpMcpServer', NAME)) as unknown as KcpMcpServer;
    },
    /** The condition as soon as it has this status and, if given, reason. */
    condition: (type: string, status: string, reason?: string): Promise<Condition> =>
      waitForCondition(() => self.server(), type, status, reason),

    /** What the Deployment controller writes once the Pods run. */
    async runPods(replicas = 1): Promise<void> {
      const { metadata } = await self.child('Deployment', 'mcp');
      const status = {
        observedGeneration: metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
        conditions: [
          { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '' },
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: '' },
        ],
      };
      await patch('Deployment', `${NAME}-mcp`, { status }, { sub: '/status' });
    },
    /** What kubelet and the Deployment controller write when a Pod waits for this reason. */
    async stuckPod(reason: string, message: string): Promise<void> {
      const { metadata } = await self.child('Deployment', 'mcp');
      const deploying = { observedGeneration: metadata.generation, replicas: 1, updatedReplicas: 1 };
      await patch('Deployment', `${NAME}-mcp`, { status: deploying }, { sub: '/status' });
      const labels = { 'mcp.kcp.io/server': NAME };
      const containers = [{ name: 'mcp-runtime', image: 'example.com/mcp:9' }];
      await apply('Pod', `${NAME}-mcp-abc`, { metadata: { name: `${NAME}-mcp-abc`, labels }, spec: { containers } });
      const state = { waiting: { reason, message } };
      const container = {
        name: 'mcp-runtime',
        image: 'example.com/mcp:9',
        imageID: '',
        ready: false,
        restartCount: 0,
        state,
      };
      await patch('Pod', `${NAME}-mcp-abc`, { status: { containerStatuses: [container] } }, { sub: '/status' });
    },
    /** What cert-manager writes once it has the certificate. */
    async issueCertificate(notAfter = '2036-01-01T00:00:00Z'): Promise<void> {
      await self.child('Certificate', 'mcp-tls');
      const now = new Date().toISOString();
      const condition = {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'up to date',
        lastTransitionTime: now,
      };
      const status = { conditions: [condition], notAfter };
      await patch('Certificate', `${NAME}-mcp-tls`, { status }, { sub: '/status' });
    },
    /** All that it takes. */
    async becomeReady(): Promise<void> {
      await self.createSource();
      await self.createServer();
      await self.issueCertificate();
      await self.runPods();
      await self.condition('Ready', 'True');
    },
    async events(): Promise<{ reason: string; type: string; note: string; regarding: { name: string } }[]> {
      const list = (await api.request(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)) as { items: never[] };
      return list.items;
    },
  };
  return self;
}

/** Roles of config/samples, in the namespaces of this case and for the names that follow from those. */
export async function applySample(
  env: Environment,
  file: string,
  names: { namespace: string; source: string },
): Promise<void> {
  const text = await readFile(join(repoRoot, 'config/samples', file), 'utf8');
  for (const document of parseAllDocuments(text.replaceAll('.kcp-mcp.', `.${names.namespace}.`))) {
    const object = document.toJS() as Child;
    const where = object.metadata.namespace === 'kcp-mcp' ? names.namespace : names.source;
    const collection = `/apis/rbac.authorization.k8s.io/v1/namespaces/${where}/${object.kind.toLowerCase()}s`;
    await env.api.apply(collection, { ...object, metadata: { ...object.metadata, namespace: where } });
  }
}

async function waitForCondition(
  read: () => Promise<KcpMcpServer>,
  type: string,
  status: string,
  reason?: string,
): Promise<Condition> {
  let last: KcpMcpServer | undefined;
  try {
    return await waitFor(
      `condition ${type}`,
      async () => {
        last = await read();
        return last.status?.conditions?.find(
          (item) => item.type === type && item.status === status && (reason === undefined || item.reason === reason),
        );
      },
      DEADLINE,
    );
  } catch (error) {
    const seen = last?.status?.conditions?.map((item) => `${item.type}=${item.status} ${item.reason}: ${item.message}`);
    throw new Error(`${type}=${status} ${reason ?? ''} didn't come:\n${seen?.join('\n') ?? 'no conditions'}`, {
      cause: error,
    });
  }
}

function apiVersionOf(path: string): string {
  const [, core, group] = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))\//.exec(path) ?? [];
  return core ?? group ?? '';
}
