// spec.kcp: which kcp is served, and where the kubeconfig for its front-proxy comes from.
import * as z from 'zod';
import { ATOMIC_MAP, cel, dataKey, namespaceName, objectName } from './fields.ts';

const crossNamespaceRef = (kind: string) => ({
  name: objectName(`Name of the ${kind}.`),
  namespace: namespaceName(
    `Namespace of the ${kind}; that of this resource when left out. The operator needs leave to read there: see config/samples.`,
  ).optional(),
});

const kubeconfigRef = z
  .object(crossNamespaceRef('Kubeconfig'))
  .meta(ATOMIC_MAP)
  .describe(
    'An operator.kcp.io Kubeconfig. The address and CA of its Secret are copied to this namespace and kept in step; in mode OIDC no certificate, key or token is.',
  );

const frontProxyRef = z
  .object(crossNamespaceRef('FrontProxy'))
  .meta(ATOMIC_MAP)
  .describe(
    'An operator.kcp.io FrontProxy that consents to it (annotation mcp.kcp.io/allow-namespaces, unless it is in this namespace). The operator creates and owns a Kubeconfig for it, and takes issuer, client id and CA from its auth.oidc, or that of its RootShard, where spec.auth.oidc is left out.',
  );

const secretRef = z
  .object({
    name: objectName('Name of the Secret.'),
    key: dataKey('Key of the Secret that holds the kubeconfig.').default('kubeconfig'),
  })
  .meta(ATOMIC_MAP)
  .describe('A Secret in the namespace of this resource with a kubeconfig made by hand.');

const WORKSPACE_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

export const kcpSchema = z
  .object({
    kubeconfigRef: kubeconfigRef.optional(),
    frontProxyRef: frontProxyRef.optional(),
    secretRef: secretRef.optional(),
    workspace: z
      .string()
      .min(1)
      .max(512)
      .regex(WORKSPACE_PATTERN)
      .meta(
        cel({
          rule: "self != 'system' && !self.startsWith('system:')",
          message: "workspaces below system: are kcp's own",
        }),
      )
      .describe('Path (root:acme:team-a) or id of the workspace that a call uses when it names none.')
      .default('root'),
  })
  .meta(
    cel({
      rule: '[has(self.kubeconfigRef), has(self.frontProxyRef), has(self.secretRef)].filter(set, set).size() == 1',
      message: 'exactly one of kubeconfigRef, frontProxyRef and secretRef must be set',
    }),
  )
  .describe('The kcp that is served. Exactly one of kubeconfigRef, frontProxyRef and secretRef says how to reach it.');
