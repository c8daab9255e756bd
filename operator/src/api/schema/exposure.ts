// spec.exposure: how the endpoint is reached from outside the cluster.
import * as z from 'zod';
import { ATOMIC_MAP, atomicList, cel, namespaceName, objectName, stringMap } from './fields.ts';

const parentRef = z.object({
  group: z.string().max(253).describe('API group of the parent.').default('gateway.networking.k8s.io'),
  kind: z.string().min(1).max(63).describe('Kind of the parent.').default('Gateway'),
  namespace: namespaceName('Namespace of the parent; that of this resource when left out.').optional(),
  name: objectName('Name of the parent.'),
  sectionName: objectName('Listener of the parent; all of them when left out.').optional(),
  port: z.int32().min(1).max(65_535).describe('Port of the parent; any when left out.').optional(),
});

const ingress = z
  .object({
    className: objectName("IngressClass that serves the Ingress; the cluster's default one when left out.").optional(),
    annotations: stringMap(64)
      .describe(
        'Annotations of the Ingress. With tls.termination Pod they tell the ingress controller to pass TLS through, or to speak HTTPS to the Pods.',
      )
      .optional(),
  })
  .describe(
    'Create an Ingress for the hostname. Its certificate is that of spec.tls; without one there the one that the ingress controller has. Excludes gateway.',
  );

const gateway = z
  .object({
    parentRefs: atomicList(parentRef, 16).min(1).describe('Gateways, or listeners of them, that serve the route.'),
    route: z
      .enum(['TLS', 'HTTP'])
      .describe(
        'TLS: a TLSRoute, for a listener that passes TLS through to the Pods. HTTP: an HTTPRoute, for a listener that ends TLS; with tls.termination Pod the gateway then speaks HTTPS to the Pods (BackendTLSPolicy). When left out: TLS with tls.termination Pod, HTTP with Edge.',
      )
      .optional(),
    backendCARef: z
      .object({
        kind: z
          .enum(['ConfigMap', 'Secret'])
          .describe('Kind of the object. Every gateway reads ConfigMaps, some Secrets too.')
          .default('ConfigMap'),
        name: objectName('Name of the object, in the namespace of this resource.'),
      })
      .meta(ATOMIC_MAP)
      .describe(
        "For route HTTP with tls.termination Pod: object whose key ca.crt holds the CA of the Pods' certificate, for the gateway to check. When left out, the CAs of the gateway's system.",
      )
      .optional(),
    annotations: stringMap(64).describe('Annotations of the route.').optional(),
  })
  .describe('Create a Gateway API route for the hostname. Excludes ingress.');

const service = z
  .object({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).describe('Type of the Service.').default('ClusterIP'),
    port: z
      .int32()
      .min(1)
      .max(65_535)
      .describe(
        'Port of the Service. When left out: 443, but 80 where the Pods speak plain HTTP (tls.termination Edge) behind a Service of another type than LoadBalancer.',
      )
      .optional(),
    annotations: stringMap(64).describe('Annotations of the Service.').optional(),
  })
  .describe('The Service, which always exists.');

export const exposureSchema = z
  .object({
    ingress: ingress.optional(),
    gateway: gateway.optional(),
    service: service.prefault({}),
  })
  .meta(
    cel({
      rule: '!(has(self.ingress) && has(self.gateway))',
      message: 'at most one of ingress and gateway may be set',
    }),
  )
  .describe('How the endpoint is reached; by default through a ClusterIP Service and nothing more.');

/** Rules between spec.exposure and spec.tls, of the whole spec. */
export const exposureRules = cel(
  {
    rule: "self.tls.termination != 'Edge' || !has(self.exposure.gateway) || !has(self.exposure.gateway.route) || self.exposure.gateway.route != 'TLS'",
    message:
      'with tls.termination Edge the gateway ends TLS, and a TLSRoute passes it through: set route to HTTP, or leave it out',
    fieldPath: '.exposure.gateway.route',
    reason: 'FieldValueForbidden',
  },
  {
    rule: "!has(self.exposure.gateway) || !has(self.exposure.gateway.backendCARef) || (self.tls.termination == 'Pod' && has(self.exposure.gateway.route) && self.exposure.gateway.route == 'HTTP')",
    message:
      'backendCARef is for route HTTP with tls.termination Pod only: otherwise the gateway opens no TLS connection to the Pods',
    fieldPath: '.exposure.gateway.backendCARef',
    reason: 'FieldValueForbidden',
  },
  {
    rule: "self.tls.termination != 'Edge' || !has(self.exposure.ingress) || !has(self.exposure.ingress.annotations) || self.exposure.ingress.annotations.all(name, !(name.endsWith('/ssl-passthrough') && self.exposure.ingress.annotations[name] == 'true') && !(name.endsWith('/backend-protocol') && self.exposure.ingress.annotations[name] in ['HTTPS', 'GRPCS', 'https', 'grpcs']))",
    message:
      'with tls.termination Edge the Pods speak plain HTTP: remove the annotation that passes TLS through or speaks HTTPS to them, or set tls.termination to Pod',
    fieldPath: '.exposure.ingress.annotations',
    reason: 'FieldValueForbidden',
  },
)['x-kubernetes-validations'];
