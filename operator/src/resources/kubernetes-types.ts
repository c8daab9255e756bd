// Kubernetes' own kinds as plain data. client-node declares them as classes with Dates; what travels are object
// literals with strings.
import type * as k8s from '@kubernetes/client-node';
import type { KubeObject } from '../kube/types.ts';

type Plain<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

export type ConfigMap = Plain<k8s.V1ConfigMap> & KubeObject;
export type Container = Plain<k8s.V1Container>;
export type Deployment = Plain<k8s.V1Deployment> & KubeObject;
export type NetworkPolicy = Plain<k8s.V1NetworkPolicy> & KubeObject;
export type NetworkPolicyEgressRule = Plain<k8s.V1NetworkPolicyEgressRule>;
export type NetworkPolicyPeer = Plain<k8s.V1NetworkPolicyPeer>;
export type NetworkPolicyPort = Plain<k8s.V1NetworkPolicyPort>;
export type PodDisruptionBudget = Plain<k8s.V1PodDisruptionBudget> & KubeObject;
export type Ingress = Plain<k8s.V1Ingress> & KubeObject;
export type PodSpec = Plain<k8s.V1PodSpec>;
export type Probe = Plain<k8s.V1Probe>;
export type Secret = Plain<k8s.V1Secret> & KubeObject;
export type Service = Plain<k8s.V1Service> & KubeObject;
export type ServiceAccount = Plain<k8s.V1ServiceAccount> & KubeObject;
export type Toleration = Plain<k8s.V1Toleration>;
export type TopologySpreadConstraint = Plain<k8s.V1TopologySpreadConstraint>;
export type Volume = Plain<k8s.V1Volume>;
export type VolumeMount = Plain<k8s.V1VolumeMount>;
