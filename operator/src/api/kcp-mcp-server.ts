// The KcpMcpServer resource. This schema is the source: crds/mcp.kcp.io_kcpmcpservers.yaml is generated from it
// (`npm run generate`), and the API server enforces it, defaults and CEL rules included, before the operator sees an
// object. So the inferred types are those of what the API server returns: fields with a default are always there.
import * as z from 'zod';
import type { ObjectMeta, Resource } from '../kube/types.ts';
import { authSchema } from './schema/auth.ts';
import { kcpSchema } from './schema/connection.ts';
import { deploymentSchema } from './schema/deployment.ts';
import { exposureRules, exposureSchema } from './schema/exposure.ts';
import { cel, dnsName, httpsURL, setOf } from './schema/fields.ts';
import { networkPolicySchema } from './schema/network-policy.ts';
import { statusSchema } from './schema/status.ts';
import { tlsSchema } from './schema/tls.ts';
import { configSchema, inventorySchema, toolsSchema } from './schema/tools.ts';

export const GROUP = 'mcp.kcp.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}` as const;
export const KIND = 'KcpMcpServer';
export const PLURAL = 'kcpmcpservers';

/** Where KcpMcpServers are served. */
export const KCP_MCP_SERVER: Resource = {
  group: GROUP,
  version: VERSION,
  kind: KIND,
  plural: PLURAL,
  namespaced: true,
};

/** Longest metadata.name: children append a suffix, and some of them (Service) end at 63 characters. */
export const MAX_NAME_LENGTH = 48;

const origin = () =>
  z
    .string()
    .min(1)
    .max(512)
    .meta(
      cel({
        // As browsers send it (RFC 6454 §6.2): in lower case, without the scheme's own port.
        rule: "self.matches('^https?://([a-z0-9.-]+|\\\\[[0-9a-f:]+\\\\])(:[0-9]{1,5})?$') && isURL(self) && !self.matches('^(https://.*:443|http://.*:80)$')",
        message:
          'must be an origin as browsers send it: scheme, host in lower case, port unless it is the default one, no path; for instance https://inspector.example.com',
      }),
    );

export const specSchema = z
  .object({
    hostname: dnsName().describe('Public host name of the endpoint; its certificate is made out to it.'),
    externalURL: httpsURL([{ rule: "!self.endsWith('/')", message: 'must not end with a slash' }])
      .describe(
        "Public base URL, where it isn't https://HOSTNAME: another port, or a path. The endpoint is this URL and /mcp.",
      )
      .optional(),
    allowedOrigins: setOf(origin(), 32)
      .describe('Origins of web pages that may call from a browser. None by default.')
      .default([]),
    kcp: kcpSchema,
    auth: authSchema.prefault({}),
    tools: toolsSchema.prefault({}),
    inventory: inventorySchema.prefault({}),
    tls: tlsSchema,
    exposure: exposureSchema.prefault({}),
    networkPolicy: networkPolicySchema.optional(),
    config: configSchema.optional(),
    deployment: deploymentSchema.prefault({}),
  })
  .meta(
    cel(
      {
        rule: 'has(self.auth.oidc) || has(self.kcp.frontProxyRef) || self.auth.allowUnauthenticated',
        message:
          'auth.oidc is required: only kcp.frontProxyRef, which brings its own, or mode Kubeconfig with allowUnauthenticated may leave it out',
        fieldPath: '.auth.oidc',
        reason: 'FieldValueRequired',
      },
      {
        rule: "!self.auth.allowUnauthenticated || !(has(self.exposure.ingress) || has(self.exposure.gateway) || self.exposure.service.type != 'ClusterIP')",
        message: 'with auth.allowUnauthenticated nothing but a ClusterIP Service may expose the endpoint',
        fieldPath: '.exposure',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "!self.auth.allowUnauthenticated || self.tls.termination == 'Pod'",
        message:
          'with auth.allowUnauthenticated nothing may stand before the Service, so nothing is there to end TLS: set tls.termination to Pod',
        fieldPath: '.tls.termination',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "self.auth.mode != 'Kubeconfig' || !has(self.kcp.frontProxyRef)",
        message:
          'auth.mode Kubeconfig needs kcp.kubeconfigRef or kcp.secretRef: the kubeconfig that is made for a frontProxyRef has no rights in kcp. Make a Kubeconfig whose user has the rights that everybody is to share',
        fieldPath: '.auth.mode',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "self.auth.mode != 'Kubeconfig' || self.inventory.mode != 'Index'",
        message:
          "inventory Index is for auth.mode OIDC only: it asks kcp with each caller's own token, which kcp doesn't see in mode Kubeconfig",
        fieldPath: '.inventory.mode',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "self.inventory.mode != 'Index' || has(self.kcp.kubeconfigRef) || has(self.kcp.frontProxyRef)",
        message:
          "inventory Index needs kcp.kubeconfigRef or kcp.frontProxyRef: an identity for the index can't be made from a Secret",
        fieldPath: '.inventory.mode',
      },
      {
        rule: '!has(self.externalURL) || !isURL(self.externalURL) || url(self.externalURL).getHostname() == self.hostname || url(self.externalURL).getHostname() in self.tls.dnsNames',
        message: 'the host of externalURL must be the hostname or one of tls.dnsNames: the certificate covers no other',
        fieldPath: '.externalURL',
      },
      ...exposureRules,
    ),
  )
  .describe('What is wanted.');

export const kcpMcpServerSchema = z
  .object({ spec: specSchema, status: statusSchema.prefault({}) })
  .meta(
    cel({
      rule: `self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= ${MAX_NAME_LENGTH}`,
      message: `metadata.name must start with a letter, hold only a-z, 0-9 and -, and have at most ${MAX_NAME_LENGTH} characters: a Service is named after it`,
    }),
  )
  .describe(
    'A KcpMcpServer gives a kcp installation an MCP endpoint. Users sign in with the identity provider that kcp trusts, and work in exactly the workspaces that kcp lets them into.',
  );

export type KcpMcpServerSpec = z.output<typeof specSchema>;
export type KcpMcpServerStatus = z.output<typeof statusSchema>;
export type Condition = NonNullable<KcpMcpServerStatus['conditions']>[number];

/** What a user writes: fields with a default may be left out. */
export type KcpMcpServerSpecInput = z.input<typeof specSchema>;

/** A KcpMcpServer as the API server returns it. */
export interface KcpMcpServer {
  apiVersion: typeof API_VERSION;
  kind: typeof KIND;
  metadata: ObjectMeta;
  spec: KcpMcpServerSpec;
  status?: KcpMcpServerStatus;
}
