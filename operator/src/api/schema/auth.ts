// spec.auth: who calls, and whose identity kcp sees.
import * as z from 'zod';
import { ATOMIC_MAP, cel, clientID, dataKey, httpsURL, objectName, setOf } from './fields.ts';

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
const scope = () =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[!#-[\]-~]+$/);

const caRef = z
  .object({
    kind: z.enum(['ConfigMap', 'Secret']).describe('Kind of the object that holds the CA.').default('ConfigMap'),
    name: objectName('Name of the object, in the namespace of this resource.'),
    key: dataKey('Key of the object that holds the PEM file.').default('ca.crt'),
  })
  .meta(ATOMIC_MAP)
  .describe(
    "CA that the issuer's certificate is checked against, in PEM; the system's CAs when left out. Only CERTIFICATE blocks are used.",
  );

export const oidcSchema = z
  .object({
    issuerURL: httpsURL().describe(
      'The issuer, exactly as its tokens name it in iss: the identity provider that kcp itself trusts.',
    ),
    audience: clientID(
      "What a token must name in aud. With upstream Passthrough this is also the audience (client id) that kcp checks. With Exchange, and in mode Kubeconfig, it is this server's own, and may be left out: the URL of the endpoint, which MCP clients ask tokens for.",
    ).optional(),
    scopes: setOf(scope(), 32)
      .describe(
        "Scopes that clients are told to ask for (RFC 9728 scopes_supported). A provider that doesn't know one of them refuses the sign-in: list what yours has.",
      )
      .default(['openid', 'email', 'groups']),
    requiredScopes: setOf(scope(), 32)
      .describe(
        'Scopes that a token must carry; without them the answer is 403 insufficient_scope. None by default: kcp users sign in with id tokens too, which carry none.',
      )
      .default([]),
    caRef: caRef.optional(),
  })
  .meta(
    cel({
      rule: 'self.requiredScopes.all(scope, scope in self.scopes)',
      message: 'every required scope must be listed in scopes too, or no client would ask for it',
      fieldPath: '.requiredScopes',
    }),
  )
  .describe('How callers sign in (OpenID Connect).');

const upstream = z
  .object({
    mode: z
      .enum(['Passthrough', 'Exchange'])
      .describe(
        "Passthrough sends the caller's own token on to kcp, which shares one audience with this server. Exchange (RFC 8693) takes tokens for this server and exchanges them at the issuer for kcp's audience.",
      )
      .default('Passthrough'),
    audience: clientID("Exchange only: kcp's audience, which the token is exchanged for.").optional(),
    clientID: clientID('Exchange only: client id that exchanges tokens.').optional(),
    clientSecretRef: z
      .object({
        name: objectName('Name of the Secret, in the namespace of this resource.'),
        key: dataKey('Key of the Secret that holds the client secret.').default('client-secret'),
      })
      .meta(ATOMIC_MAP)
      .describe('Exchange only: the secret of that client.')
      .optional(),
  })
  .meta(
    cel(
      {
        rule: "self.mode != 'Exchange' || (has(self.audience) && has(self.clientID) && has(self.clientSecretRef))",
        message: "mode Exchange needs audience (kcp's), clientID and clientSecretRef",
      },
      {
        rule: "self.mode == 'Exchange' || !(has(self.audience) || has(self.clientID) || has(self.clientSecretRef))",
        message: 'audience, clientID and clientSecretRef are for mode Exchange only',
      },
    ),
  )
  .describe("What kcp gets for the caller's token.");

export const authSchema = z
  .object({
    mode: z
      .enum(['OIDC', 'Kubeconfig'])
      .describe(
        "Whose identity kcp sees: OIDC the caller's; Kubeconfig the one identity of the kubeconfig, shared by all callers, whose credentials are then copied. Callers sign in in both. Another namespace's Kubeconfig has to consent to the copy, by its annotation mcp.kcp.io/allow-namespaces; without it nothing is copied (a server that was in mode OIDC before goes on in that), and when it is taken back, copy and Pods go.",
      )
      .default('OIDC'),
    allowUnauthenticated: z
      .boolean()
      .describe(
        "Mode Kubeconfig only: nobody signs in, and whoever reaches the Service acts as the kubeconfig's identity. Refused with any exposure beyond a ClusterIP Service.",
      )
      .default(false),
    oidc: oidcSchema.optional(),
    upstream: upstream.prefault({}),
  })
  .meta(
    cel(
      {
        rule: "!self.allowUnauthenticated || self.mode == 'Kubeconfig'",
        message: "allowUnauthenticated is for mode Kubeconfig only: in mode OIDC kcp needs the caller's token",
        fieldPath: '.allowUnauthenticated',
        reason: 'FieldValueForbidden',
      },
      {
        rule: '!self.allowUnauthenticated || !has(self.oidc)',
        message: 'with allowUnauthenticated nobody signs in: leave out oidc, or allowUnauthenticated',
        fieldPath: '.allowUnauthenticated',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "self.upstream.mode != 'Exchange' || self.mode == 'OIDC'",
        message: "upstream Exchange is for mode OIDC only: in mode Kubeconfig kcp doesn't see the caller's token",
        fieldPath: '.upstream.mode',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "!has(self.oidc) || has(self.oidc.audience) || self.upstream.mode == 'Exchange' || self.mode == 'Kubeconfig'",
        message:
          'audience is missing: what a token must name in aud. Only with upstream Exchange or in mode Kubeconfig may it be left out',
        fieldPath: '.oidc.audience',
        reason: 'FieldValueRequired',
      },
      {
        rule: '!has(self.oidc) || !has(self.oidc.audience) || !has(self.upstream.audience) || self.oidc.audience != self.upstream.audience',
        message:
          "oidc.audience and upstream.audience are the same, so there is nothing to exchange: oidc.audience is this server's own (leave it out), upstream.audience kcp's",
        fieldPath: '.upstream.audience',
        reason: 'FieldValueInvalid',
      },
    ),
  )
  .describe('Who calls, and whose identity kcp sees.');
