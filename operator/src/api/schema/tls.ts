// spec.tls: the serving certificate.
import * as z from 'zod';
import {
  ATOMIC_MAP,
  type CelRule,
  cel,
  dnsName,
  duration,
  DURATION_PATTERN,
  kindName,
  objectName,
  setOf,
} from './fields.ts';

const wellFormed = (field: string) => `self.${field}.matches('${DURATION_PATTERN}')`;

const atLeast = (limit: string, message: string): CelRule => ({
  rule: `!self.matches('${DURATION_PATTERN}') || duration(self) >= duration('${limit}')`,
  message,
});

export const tlsSchema = z
  .object({
    termination: z
      .enum(['Pod', 'Edge'])
      .describe(
        'Where TLS ends: Pod in the server itself; Edge in the ingress, gateway or load balancer before it, and the Pod speaks plain HTTP. With Edge neither issuerRef nor secretName is needed where the edge has a certificate of its own.',
      )
      .default('Pod'),
    issuerRef: z
      .object({
        name: objectName('Name of the issuer.'),
        kind: kindName(
          "Kind of the issuer: Issuer (same namespace), ClusterIssuer, or an external issuer's kind.",
        ).default('Issuer'),
        group: objectName('API group of the issuer.').default('cert-manager.io'),
      })
      .meta(ATOMIC_MAP)
      .describe('cert-manager issuer of the serving certificate. Excludes secretName.')
      .optional(),
    duration: duration([atLeast('1h', 'must be at least 1h, the least that cert-manager accepts')])
      .describe('Lifetime that is asked for the certificate.')
      .default('2160h'),
    renewBefore: duration([atLeast('5m', 'must be at least 5m, the least that cert-manager accepts')])
      .describe('How long before its expiry the certificate is renewed. Shorter than duration.')
      .default('360h'),
    dnsNames: setOf(dnsName(), 32)
      .describe('Names that the certificate covers, and requests may name, beyond the hostname.')
      .default([]),
    secretName: objectName(
      'Secret of type kubernetes.io/tls in the namespace of this resource, kept by somebody else. Excludes issuerRef.',
    ).optional(),
  })
  .meta(
    cel(
      {
        rule: "self.termination != 'Pod' || has(self.issuerRef) != has(self.secretName)",
        message: 'exactly one of issuerRef and secretName must be set when TLS ends in the Pod',
      },
      {
        rule: "self.termination != 'Edge' || !(has(self.issuerRef) && has(self.secretName))",
        message: 'at most one of issuerRef and secretName may be set',
      },
      {
        rule: `!${wellFormed('duration')} || !${wellFormed('renewBefore')} || duration(self.renewBefore) < duration(self.duration)`,
        message: 'renewBefore must be shorter than duration',
        messageExpression:
          "'renewBefore (' + self.renewBefore + ') must be shorter than duration (' + self.duration + ')'",
        fieldPath: '.renewBefore',
      },
    ),
  )
  .describe('The serving certificate.');
