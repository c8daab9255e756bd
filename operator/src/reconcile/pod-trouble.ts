/**
 * What keeps a Pod from running, in the words of kubelet and scheduler. A Deployment doesn't know: it says that its Pods aren't
 * available, and for how long.
 */
import { POD } from '../api/external.ts';
import type { Reason } from '../api/conditions.ts';
import { keyOf, type InformerOptions, type KubeObject } from '../kube/index.ts';
import { SERVER_LABEL } from '../resources/names.ts';
import { KindCache } from './kind-cache.ts';
import type { ContainerStatus, Pod } from './objects.ts';
import { oneLine } from './text.ts';

/** It stays the same while the same is the matter: nothing in it counts restarts or time. */
export interface Trouble {
  /** Undefined for a Pod that runs but isn't ready, which a Pod that starts is, too. */
  reason?: Extract<Reason, 'ImagePullFailed' | 'CrashLoopBackOff' | 'ContainerNotStarted' | 'Unschedulable'>;
  /** What is the matter with the Pod, and what to do. */
  message: string;
  /** kubectl's arguments that show more, without the namespace; default: those that describe the Pods. */
  command?: string;
  /** Kubelet knows more, but doesn't say it at the moment. */
  vague?: boolean;
}

/** A Pod as it is kept: where it belongs, and what is the matter with it. */
export interface WatchedPod extends KubeObject {
  trouble?: Trouble;
}

/**
 * The Pods of all KcpMcpServers, by label; index `server`: key of the KcpMcpServer.
 *
 * @param wake called with the key of a KcpMcpServer when something else is the matter with one of its Pods
 */
export function createPods(
  namespaces: readonly string[],
  options: Pick<InformerOptions<KubeObject>, 'client' | 'logger' | 'timings'>,
  wake: (server: string) => void,
): KindCache<WatchedPod> {
  // Kubelets before Kubernetes 1.32 say why only while they try, not while they wait for the next try.
  const clear = new Map<string, Trouble>();
  const cache = new KindCache<WatchedPod>(namespaces, {
    ...options,
    resource: POD,
    labelSelector: SERVER_LABEL,
    transform: (pod) => {
      const { uid = '' } = pod.metadata;
      const trouble = troubleOf(pod);
      if (trouble?.reason === 'ImagePullFailed' && !trouble.vague) clear.set(uid, trouble);
      return watched(pod, trouble?.vague ? (clear.get(uid) ?? trouble) : trouble);
    },
    indexers: { server: serverOf },
  });
  const wakeServer = (pod: WatchedPod): void => {
    serverOf(pod).forEach(wake);
  };
  cache.on({
    onAdd: wakeServer,
    onUpdate: (before, after) => {
      if (JSON.stringify(before.trouble) !== JSON.stringify(after.trouble)) wakeServer(after);
    },
    onDelete: (pod) => {
      clear.delete(pod.metadata.uid ?? '');
      wakeServer(pod);
    },
  });
  return cache;
}

function serverOf({ metadata: { namespace, labels } }: KubeObject): string[] {
  const name = labels?.[SERVER_LABEL];
  return name === undefined ? [] : [keyOf({ namespace, name })];
}

function watched({ apiVersion, kind, metadata }: KubeObject, trouble: Trouble | undefined): WatchedPod {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = Object.entries(metadata.labels ?? {}).filter(
    ([key]) => key === SERVER_LABEL || key === TEMPLATE_LABEL,
  );
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      labels: Object.fromEntries(labels),
    },
    ...(trouble && { trouble }),
  };
}

/** In the order in which one is told when there are several. */
const RANKS: readonly Trouble['reason'][] = [
  'ImagePullFailed',
  'ContainerNotStarted',
  'CrashLoopBackOff',
  'Unschedulable',
  undefined,
];

/** Label by which the Deployment controller tells the Pods of one template from those of another. */
const TEMPLATE_LABEL = 'pod-template-hash';

/**
 * Of all that is the matter with Pods of the newest template the one that is told; the same one as long as nothing changes.
 * Pods of earlier templates that are still there don't count: what was wrong with them may be what was just mended.
 */
export function worstOf(pods: readonly WatchedPod[]): Trouble | undefined {
  const born = ({ metadata }: WatchedPod): string => metadata.creationTimestamp ?? '';
  const template = ({ metadata }: WatchedPod): string | undefined => metadata.labels?.[TEMPLATE_LABEL];
  const [newest] = pods.toSorted((a, b) => compare(born(b), born(a)));
  const rank = ({ trouble }: WatchedPod): number => RANKS.indexOf(trouble?.reason);
  return pods
    .filter((pod) => pod.trouble && newest && template(pod) === template(newest))
    .sort((a, b) => rank(a) - rank(b) || compare(a.metadata.name, b.metadata.name))[0]?.trouble;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Reasons of a waiting container that are about its image (pkg/kubelet/images/types.go of Kubernetes). */
const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
/** Those of one that is on its way. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

/** What is the matter with a Pod; undefined for one that is ready, on its way, or going away. */
export function troubleOf({ metadata, status = {} }: Pod): Trouble | undefined {
  if (metadata.deletionTimestamp !== undefined || status.phase === 'Failed' || status.phase === 'Succeeded')
    return undefined;
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const cure = 'Free or add nodes, or change resources, nodeSelector, tolerations or affinity in spec.deployment';
    return {
      reason: 'Unschedulable',
      message: `no node takes Pod ${metadata.name}: ${oneLine(scheduled.message)}. ${cure}`,
    };
  }
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const trouble = troubleWith(container, metadata.name);
    if (trouble) return trouble;
  }
  return undefined;
}

function troubleWith(container: ContainerStatus, pod: string): Trouble | undefined {
  const { state = {}, lastState = {}, ready } = container;
  if (ready) return undefined;
  const name = `container ${container.name} of Pod ${pod}`;
  const { reason = '', message } = state.waiting ?? {};
  if (IMAGE_REASONS.has(reason)) return imageTrouble(container, pod);
  // Between two crashes it runs for a while: what happened stays what is the matter until it is ready.
  const crash = state.terminated ?? lastState.terminated;
  if (crash) {
    const { exitCode = 0 } = crash;
    if (state.terminated && exitCode === 0) return undefined;
    const cure =
      crash.reason === 'OOMKilled' ? '. Raise spec.deployment.resources.limits.memory' : '. Its log says why';
    return {
      reason: 'CrashLoopBackOff',
      message: `${name} ended with exit code ${exitCode} (${oneLine(crash.reason, 64)}) and is started again${cure}`,
      command: `logs ${pod} -c ${container.name}`,
    };
  }
  if (state.waiting) {
    if (reason === '' || STARTING.has(reason)) return undefined;
    return {
      reason: 'ContainerNotStarted',
      message: `${name} can't be started: ${oneLine(`${reason}: ${message ?? ''}`)}`,
    };
  }
  const waits = `${name} runs but is not ready: it waits for the issuer's keys, or can't use one of its files. Its log says which`;
  return state.running ? { message: waits, command: `logs ${pod} -c ${container.name}` } : undefined;
}

/** What kubelet says of a pull, while it tries and while it waits for the next try, in the same words. */
function imageTrouble({ image, state }: ContainerStatus, pod: string): Trouble {
  const why = (state?.waiting?.message ?? '')
    .replace(/^Back-off pulling image "[^"]*"(: ErrImagePull: |: )?/, '')
    // The port of one try is another one at the next.
    .replace(/\b[\d.]+:\d+->/g, '');
  const cure =
    'Correct spec.deployment.image, push the image, or name the credentials for its registry in spec.deployment.imagePullSecrets';
  return {
    reason: 'ImagePullFailed',
    message: `Pod ${pod} can't pull image ${oneLine(image, 256)}: ${oneLine(why) || 'kubelet waits for its next try'}. ${cure}`,
    ...(why === '' && { vague: true }),
  };
}
