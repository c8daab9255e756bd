// spec.deployment: how the server's Pods run. Field names and meanings are those of apps/v1 Deployment and core/v1 Pod.
import * as z from 'zod';
import { atomicList, cel, mapOf, objectName, stringMap } from './fields.ts';
import { labelSelector } from './label-selector.ts';

const QUANTITY_PATTERN =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/;

/** Amounts by resource name, as `resources.requests` of a container. */
const quantities = () =>
  z
    .record(
      z.string(),
      z
        .union([z.int(), z.string()])
        .meta({ 'x-kubernetes-int-or-string': true, pattern: QUANTITY_PATTERN.source, maxLength: 64 }),
    )
    .meta({ maxProperties: 16 });

const quantity = (map: string) => `quantity(type(${map}[name]) == int ? string(${map}[name]) : ${map}[name])`;

const resources = z
  .object({
    requests: quantities()
      .describe('What a Pod is promised. A map of your own replaces the default one.')
      .default({ cpu: '100m', memory: '128Mi' }),
    limits: quantities()
      .describe(
        'What a Pod may use at most. A map of your own replaces the default one. A CPU limit is left to you: 100m throttles to some 50 calls a second.',
      )
      .default({ memory: '128Mi' }),
  })
  .meta(
    cel({
      rule: `self.requests.all(name, !(name in self.limits) || ${quantity('self.requests')}.compareTo(${quantity('self.limits')}) <= 0)`,
      message: 'a request must not exceed the limit of the same resource (defaults: 128Mi of memory for both)',
      fieldPath: '.requests',
    }),
  )
  .describe("Resources of the server's container.");

const hostAlias = z.object({
  ip: z.string().min(1).max(45).describe('IP address, of version 4 or 6.'),
  hostnames: atomicList(z.string().min(1).max(253), 32).min(1).describe('Host names that stand for it.'),
});

const toleration = z.object({
  key: z.string().max(316).describe('Taint key; empty with operator Exists for all of them.').optional(),
  operator: z
    .enum(['Exists', 'Equal', 'Lt', 'Gt'])
    .describe("How value relates to the taint's; Equal when left out.")
    .optional(),
  value: z.string().max(63).describe('Taint value.').optional(),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .describe('Taint effect; all of them when left out.')
    .optional(),
  tolerationSeconds: z
    .int()
    .describe('With NoExecute: seconds for which the taint is tolerated; for ever when left out.')
    .optional(),
});

const topologySpreadConstraint = z.object({
  topologyKey: z.string().min(1).max(316).describe('Node label whose values are the domains.'),
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']).describe("What happens to a Pod that doesn't fit."),
  maxSkew: z.int32().min(1).describe('How far domains may differ in their number of Pods.'),
  minDomains: z.int32().min(1).describe('Least number of domains; with DoNotSchedule only.').optional(),
  labelSelector: labelSelector('Pods that are counted; the Pods of this server when left out.').optional(),
  matchLabelKeys: atomicList(z.string().max(316), 16)
    .describe('Label keys whose values are taken from the new Pod.')
    .optional(),
  nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).describe('Whether node affinity limits the domains.').optional(),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).describe('Whether node taints limit the domains.').optional(),
});

export const deploymentSchema = z
  .object({
    replicas: z
      .int32()
      .min(0)
      .max(1000)
      .describe(
        'Number of Pods. Left alone when unset, so that an autoscaler or kubectl scale may own it; 1 at first. When it is taken out here, the number stays until one of them says another. Has no effect while a HorizontalPodAutoscaler scales the Deployment.',
      )
      .optional(),
    image: z
      .string()
      .min(1)
      .max(1024)
      .describe("Image of the server; the operator's own default when left out.")
      .optional(),
    imagePullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .describe("When the image is pulled; Kubernetes' default for the tag when left out.")
      .optional(),
    imagePullSecrets: mapOf(z.object({ name: objectName('Name of the Secret.') }), 16, ['name'])
      .describe('Secrets in the namespace of this resource for pulling the image.')
      .optional(),
    resources: resources.prefault({}),
    hostAliases: mapOf(hostAlias, 64, ['ip'])
      .describe("Entries of the Pods' /etc/hosts, for instance for a front-proxy whose external name has no DNS entry.")
      .optional(),
    nodeSelector: stringMap(64).describe('Labels of the nodes that the Pods may run on.').optional(),
    tolerations: atomicList(toleration, 64).describe('Taints that the Pods tolerate.').optional(),
    affinity: z
      .looseObject({})
      .meta({ 'x-kubernetes-preserve-unknown-fields': true })
      .describe('Affinity of the Pods, as in core/v1 Pod spec.affinity.')
      .optional(),
    topologySpreadConstraints: mapOf(topologySpreadConstraint, 16, ['topologyKey', 'whenUnsatisfiable'])
      .describe('How the Pods spread; over nodes and zones as far as possible when left out.')
      .optional(),
    priorityClassName: objectName('PriorityClass of the Pods; the default of the cluster when left out.').optional(),
    labels: stringMap(64)
      .meta(
        cel({
          rule: "!('pod-template-hash' in self)",
          message: 'label pod-template-hash belongs to the Deployment controller',
        }),
      )
      .describe('Further labels of the Deployment and its Pods. Ours win.')
      .optional(),
    annotations: stringMap(64)
      .meta(
        cel({
          // It and the operator would overwrite each other's revision without end.
          rule: "self.all(name, !name.startsWith('deployment.kubernetes.io/'))",
          message: 'annotations below deployment.kubernetes.io/ belong to the Deployment controller',
        }),
      )
      .describe('Further annotations of the Deployment and its Pods. Ours win.')
      .optional(),
  })
  .describe('How the Pods run: how many, with which image and resources, and where.');
