// status: what the operator saw. Written by the operator only.
import * as z from 'zod';
import { mapOf } from './fields.ts';

const condition = z.object({
  type: z.string().min(1).max(316).describe('What the condition is about; Ready is the summary.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('Why, in one word of the list in docs/api/kcpmcpserver.md.'),
  message: z.string().max(32_768).describe('What is the matter and what to do, for people.'),
  lastTransitionTime: z.string().max(64).meta({ format: 'date-time' }).describe('When status last changed.'),
  observedGeneration: z
    .int()
    .min(0)
    .meta({ format: 'int64' })
    .describe('Generation of the spec that the condition is about.')
    .optional(),
});

export const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(-1)
      .meta({ format: 'int64' })
      .describe('Generation of the spec that the status is about; -1 until the operator has seen the resource.')
      .default(-1),
    url: z
      .string()
      .max(2048)
      .describe('What assistants are pointed at: the MCP endpoint. There while Exposed is True.')
      .optional(),
    conditions: mapOf(condition, 32, ['type'])
      .describe(
        'Ready (the summary), its causes KubeconfigReady, CertificateReady, OIDCReady, ConfigReady, Available and Exposed, the note KcpReachable, and Reconciling and Stalled (kstatus).',
      )
      .optional(),
    replicas: z.int32().min(0).describe('Pods of the Deployment.').optional(),
    selector: z
      .string()
      .max(512)
      .describe('Selects these Pods; for autoscalers of this resource, and for kubectl -l.')
      .optional(),
    readyReplicas: z.int32().min(0).describe('Pods that are ready.').optional(),
    kubeconfig: z
      .object({
        source: z
          .object({
            kind: z.enum(['Kubeconfig', 'FrontProxy', 'Secret']).describe('Kind that spec.kcp names.'),
            namespace: z.string().max(63).describe('Its namespace.'),
            name: z.string().max(253).describe('Its name.'),
          })
          .describe('Where the kubeconfig comes from.'),
        server: z.string().max(2048).describe('URL of kcp, without a workspace.').optional(),
        sha256: z
          .string()
          .max(64)
          .describe('SHA-256, in hex, of the copy that the Pods mount, without a key or token.')
          .optional(),
      })
      .describe('The kubeconfig that was copied.')
      .optional(),
    oidc: z
      .object({
        issuer: z.string().max(2048).describe("Issuer of the callers' tokens."),
        audience: z.string().max(512).describe('Audience that they must name.'),
        registersClients: z
          .boolean()
          .describe(
            'Whether clients get to be known to the issuer by themselves (RFC 7591, or client id metadata documents); unknown when left out.',
          )
          .optional(),
      })
      .describe('How callers sign in.')
      .optional(),
    certificate: z
      .object({
        secretName: z.string().max(253).describe('Secret that holds the serving certificate.').optional(),
        notAfter: z.string().max(64).meta({ format: 'date-time' }).describe('When it expires.').optional(),
      })
      .describe('The serving certificate.')
      .optional(),
  })
  .describe('What the operator saw. Written by the operator only.');
