/** The parts of Kubernetes' own objects that the reconciler reads. */
import type { ForeignCondition } from '../api/external.ts';
import type { KubeObject } from '../kube/index.ts';

/** apps/v1 Deployment. */
export interface Deployment extends KubeObject {
  spec?: { replicas?: number; template?: { spec?: { volumes?: { name: string }[] } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    conditions?: ForeignCondition[];
  };
}

/** autoscaling/v2 HorizontalPodAutoscaler. */
export interface HorizontalPodAutoscaler extends KubeObject {
  spec?: { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
}

/** v1 Service. */
export interface Service extends KubeObject {
  spec?: { type?: string };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

/** v1 Secret (values in base64) or ConfigMap (values as they are). */
export interface DataObject extends KubeObject {
  data?: Record<string, string>;
}

/** v1 Pod. */
export interface Pod extends KubeObject {
  status?: {
    phase?: string;
    conditions?: ForeignCondition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  image?: string;
  ready?: boolean;
  state?: ContainerState;
  /** Of the one before it was started again. */
  lastState?: ContainerState;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: object;
  terminated?: { exitCode?: number; reason?: string };
}
