// spec.exposure: how the endpoint is reached from outside the cluster.
import * as z from 'zod';
import { atomicList, cel, namespaceName, objectName, stringMap } from './fields.ts';

const parentRef = z.object({
  group: z.string().max(253).describe('API group of the parent.').default('gateway.networking.k8s.io'),
  kind: z.string().min(1).max(63).describe('Kind of the parent.').default('Gateway'),
  namespace: namespaceName('Namespace of the parent; that of this resource when left out.').optional(),
  name: objectName('Name of the parent.'),
  sectionName: objectName('Listener of the parent; all of them when left out.').optional(),
  port: z.int32().min(1).max(65_535).describe('Port of the parent; any when left out.').optional(),
});

export const exposureSchema = z
  .object({
    ingress: z
      .object({
        className: objectName(
          "IngressClass that serves the Ingress; the cluster's default one when left out.",
        ).optional(),
        annotations: stringMap(64).describe('Annotations of the Ingress.').optional(),
      })
      .describe('Create an Ingress for the hostname. Excludes gateway.')
      .optional(),
    gateway: z
      .object({
        parentRefs: atomicList(parentRef, 16).min(1).describe('Gateways, or listeners of them, that serve the route.'),
      })
      .describe('Create a Gateway API route for the hostname. Excludes ingress.')
      .optional(),
    service: z
      .object({
        type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).describe('Type of the Service.').default('ClusterIP'),
        port: z.int32().min(1).max(65_535).describe('Port of the Service.').default(443),
        annotations: stringMap(64).describe('Annotations of the Service.').optional(),
      })
      .describe('The Service, which always exists.')
      .prefault({}),
  })
  .meta(
    cel({
      rule: '!(has(self.ingress) && has(self.gateway))',
      message: 'at most one of ingress and gateway may be set',
    }),
  )
  .describe('How the endpoint is reached; by default through a ClusterIP Service and nothing more.');
