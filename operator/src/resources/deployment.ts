import { KUBECONFIG_SECRET_KEY } from '../api/external.ts';
import { GROUP, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { restartHash, uncheckedConfig } from './config-map.ts';
import { certificateSecret, endpointPort, type EndpointPort } from './endpoint.ts';
import type { ResolvedReferences } from './index.ts';
import type {
  Toleration,
  Container,
  Deployment,
  PodSpec,
  Probe,
  TopologySpreadConstraint,
  Volume,
  VolumeMount,
} from './kubernetes-types.ts';
import { childMetadata, childNames, CREDENTIALS_LABEL, labels, selectorLabels } from './names.ts';
import { CONFIG_KEY, HEALTH_PORT, MOUNTS, PATHS } from './pod-layout.ts';

/** Annotation of the Pod template; see {@link restartHash}. */
export const CONFIG_HASH_ANNOTATION = `${GROUP}/config-hash`;

/** Volume with the identity that makes the index. */
export const INDEX_VOLUME = 'index';

/** uid and gid of the image's user. */
const NONROOT = 65_532;
/** r--r-----: the files' group is the Pod's fsGroup. */
const GROUP_READABLE = 0o440;

/** Before SIGTERM: time for load balancers to hear that the Pod is going. Done by kubelet (Kubernetes 1.30), the image has no shell. */
const PRE_STOP_SECONDS = 5;
/** preStop, the server's own drain (3 s until nothing new comes, at most 20 s for calls under way), and something to spare. */
const GRACE_SECONDS = 40;

type Wanted = KcpMcpServer['spec']['deployment'];

/** The Deployment of the runtime, for which config.toml was made already. */
export function deployment(
  server: KcpMcpServer,
  { runtimeImage, dropIn, replicas }: Pick<ResolvedReferences, 'runtimeImage' | 'dropIn' | 'replicas'>,
): Deployment {
  const { name } = server.metadata;
  const wanted = server.spec.deployment;
  const metadata = childMetadata(server, childNames(name).workload);
  // Ours to say, whatever the spec says.
  const { [CREDENTIALS_LABEL]: _, ...theirLabels } = wanted.labels ?? {};
  const allLabels = { ...theirLabels, ...labels(name) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadata,
      labels: { ...allLabels, ...(server.spec.auth.mode === 'Kubeconfig' && { [CREDENTIALS_LABEL]: 'used' }) },
      ...(wanted.annotations ? { annotations: wanted.annotations } : {}),
    },
    spec: {
      // Left out when unset: whoever scales the Deployment keeps the field.
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorLabels(name) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: allLabels,
          annotations: {
            ...wanted.annotations,
            [CONFIG_HASH_ANNOTATION]: restartHash(uncheckedConfig(server, dropIn)),
          },
        },
        spec: podSpec(server, runtimeImage),
      },
    },
  };
}

function podSpec(server: KcpMcpServer, runtimeImage: string): PodSpec {
  const { name } = server.metadata;
  const wanted = server.spec.deployment;
  const volumes = volumesOf(server);
  return {
    serviceAccountName: childNames(name).workload,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NONROOT,
      runAsGroup: NONROOT,
      fsGroup: NONROOT,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container(wanted, wanted.image ?? runtimeImage, endpointPort(server), volumes.map(mountOf))],
    volumes,
    topologySpreadConstraints: spread(name, wanted),
    ...(wanted.imagePullSecrets ? { imagePullSecrets: wanted.imagePullSecrets } : {}),
    ...(wanted.hostAliases ? { hostAliases: wanted.hostAliases } : {}),
    ...(wanted.nodeSelector ? { nodeSelector: wanted.nodeSelector } : {}),
    ...(wanted.tolerations ? { tolerations: wanted.tolerations as Toleration[] } : {}),
    // Not checked by our schema; the API server checks it as part of the Deployment.
    ...(wanted.affinity ? { affinity: wanted.affinity } : {}),
    ...(wanted.priorityClassName ? { priorityClassName: wanted.priorityClassName } : {}),
  };
}

function container(wanted: Wanted, image: string, endpoint: EndpointPort, volumeMounts: VolumeMount[]): Container {
  return {
    name: 'mcp-runtime',
    image,
    ...(wanted.imagePullPolicy ? { imagePullPolicy: wanted.imagePullPolicy } : {}),
    args: ['--config', PATHS.config],
    ports: [
      { ...endpoint, protocol: 'TCP' },
      { name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' },
    ],
    resources: wanted.resources as NonNullable<Container['resources']>,
    // Alive is asked of /healthz only: an issuer that is down makes a Pod unready, and a restart wouldn't mend it.
    startupProbe: probe('/healthz', 1, 60),
    livenessProbe: probe('/healthz', 10, 3),
    readinessProbe: probe('/readyz', 2, 3),
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts,
  };
}

const probe = (path: string, periodSeconds: number, failureThreshold: number): Probe => ({
  httpGet: { path, port: 'health', scheme: 'HTTP' },
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 5,
});

/**
 * What is mounted. `oidc-ca` and `exchange-client` are the user's own objects: kubelet keeps them fresh, and only the key that
 * is named reaches the Pod.
 */
function volumesOf(server: KcpMcpServer): Volume[] {
  const names = childNames(server.metadata.name);
  const { tls, auth, inventory } = server.spec;
  const caRef = auth.oidc?.caRef;
  const secret = (secretName: string, keys: { key: string; path: string }[]) => ({
    secret: { secretName, items: keys, defaultMode: GROUP_READABLE },
  });
  const same = (key: string) => ({ key, path: key });
  const volumes: Volume[] = [
    {
      name: 'config',
      configMap: { name: names.configMap, items: [same(CONFIG_KEY)], defaultMode: GROUP_READABLE },
    },
    { name: 'kubeconfig', ...secret(names.kubeconfigSecret, [same(KUBECONFIG_SECRET_KEY)]) },
  ];
  const certificate = certificateSecret(server);
  if (certificate !== undefined) {
    // Where TLS ends before the Pods they only make their sealing key of it.
    const keys = tls.termination === 'Pod' ? ['tls.crt', 'tls.key'] : ['tls.key'];
    volumes.push({ name: 'tls', ...secret(certificate, keys.map(same)) });
  }
  if (inventory.mode === 'Index') {
    volumes.push({ name: INDEX_VOLUME, ...secret(names.indexSecret, [same(KUBECONFIG_SECRET_KEY)]) });
  }
  if (caRef) {
    const items = [{ key: caRef.key, path: 'ca.crt' }];
    const ca =
      caRef.kind === 'Secret'
        ? secret(caRef.name, items)
        : { configMap: { name: caRef.name, items, defaultMode: GROUP_READABLE } };
    volumes.push({ name: 'oidc-ca', ...ca });
  }
  const { clientSecretRef } = auth.upstream;
  if (clientSecretRef) {
    const items = [{ key: clientSecretRef.key, path: 'client-secret' }];
    volumes.push({ name: 'exchange-client', ...secret(clientSecretRef.name, items) });
  }
  return volumes;
}

const mountPaths: Record<string, string> = {
  config: MOUNTS.config,
  kubeconfig: MOUNTS.kubeconfig,
  tls: MOUNTS.tls,
  [INDEX_VOLUME]: MOUNTS.index,
  'oidc-ca': MOUNTS.oidcCA,
  'exchange-client': MOUNTS.exchangeClient,
};

function mountOf({ name }: Volume): VolumeMount {
  const mountPath = mountPaths[name];
  if (!mountPath) throw new Error(`volume ${name} has no mount path`);
  return { name, mountPath, readOnly: true };
}

/** The user's constraints, counting our Pods where they say nothing else; by default nodes and zones, as far as possible. */
function spread(name: string, { topologySpreadConstraints }: Wanted): TopologySpreadConstraint[] {
  const labelSelector = { matchLabels: selectorLabels(name) };
  if (topologySpreadConstraints)
    return topologySpreadConstraints.map((each) => ({ labelSelector, ...each }) as TopologySpreadConstraint);
  return ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector,
    matchLabelKeys: ['pod-template-hash'],
  }));
}
