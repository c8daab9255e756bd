// Resources that the API server must accept, and resources that it must refuse, each with (part of) the message.
import type { KcpMcpServerSpecInput } from '../kcp-mcp-server.ts';

type Spec = Record<string, unknown>;

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Spec;
}

const oidc = { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' };

const smallest = {
  hostname: 'mcp.vespucci.example.com',
  kcp: { kubeconfigRef: { name: 'kcp-mcp-kubeconfig', namespace: 'kcp-vespucci' } },
  auth: { oidc },
  tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
} satisfies KcpMcpServerSpecInput;

/** The smallest resource, with top-level fields of its spec replaced; `undefined` removes one. */
export function minimal({ name = 'vespucci', ...change }: { name?: string } & Spec = {}): Resource {
  return {
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name },
    spec: { ...smallest, ...change },
  };
}

const parentRefs = [{ name: 'public' }];
const passThrough = { annotations: { 'nginx.ingress.kubernetes.io/ssl-passthrough': 'true' } };
const exposed = (exposure: Spec, tls: Spec = smallest.tls): Resource => minimal({ exposure, tls });

/** A resource with every field of the schema that can be set together. */
export const full = {
  hostname: 'mcp.vespucci.example.com',
  externalURL: 'https://mcp.vespucci.example.com:8443/kcp',
  allowedOrigins: ['https://inspector.example.com', 'http://localhost:6274', 'http://[::1]:6274'],
  kcp: { kubeconfigRef: { name: 'kcp-mcp-kubeconfig', namespace: 'kcp-vespucci' }, workspace: 'root:acme:team-a' },
  auth: {
    mode: 'OIDC',
    oidc: {
      ...oidc,
      scopes: ['openid', 'email', 'groups', 'mcp:use'],
      requiredScopes: ['mcp:use'],
      caRef: { kind: 'Secret', name: 'issuer-ca', key: 'ca.crt' },
    },
    upstream: {
      mode: 'Exchange',
      audience: 'kcp',
      clientID: 'kcp-mcp',
      clientSecretRef: { name: 'exchange', key: 'client-secret' },
    },
  },
  tools: {
    toolsets: ['kcp', 'core'],
    disabled: [],
    readOnly: true,
    disableDestructive: true,
    deniedResources: [
      { version: 'v1', kind: 'Secret' },
      { group: 'rbac.authorization.k8s.io', version: 'v1' },
    ],
  },
  inventory: { mode: 'Index', maxAge: '1m30s' },
  tls: {
    termination: 'Pod',
    issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    duration: '24h',
    renewBefore: '8h0m0s',
    dnsNames: ['mcp.internal.example.com', 'localhost'],
  },
  exposure: {
    gateway: {
      parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'tls', port: 443 }],
      route: 'HTTP',
      backendCARef: { kind: 'Secret', name: 'ca' },
      annotations: { 'example.com/pool': 'public' },
    },
    service: { type: 'LoadBalancer', port: 8443, annotations: { 'example.com/pool': 'public' } },
  },
  config: { dropInRef: { name: 'more', key: 'more.toml' } },
  deployment: {
    replicas: 2,
    image: 'registry.example.com/kcp-mcp-runtime:0.1.0',
    imagePullPolicy: 'IfNotPresent',
    imagePullSecrets: [{ name: 'pull' }],
    resources: { requests: { cpu: '250m', memory: '128Mi' }, limits: { cpu: 1, memory: '256Mi' } },
    hostAliases: [{ ip: '10.0.0.1', hostnames: ['kcp.vespucci.example.com'] }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'kcp', effect: 'NoSchedule' }],
    affinity: {
      nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] },
    },
    topologySpreadConstraints: [
      { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', maxSkew: 1 },
    ],
    priorityClassName: 'system-cluster-critical',
    labels: { team: 'platform' },
    annotations: { 'example.com/contact': 'platform@example.com' },
  },
  networkPolicy: {
    ingress: {
      from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] } }, { namespaceSelector: {} }],
      metricsFrom: [{ podSelector: { matchLabels: { app: 'prometheus' } } }],
    },
    egress: { cidrs: ['2001:db8::/32'], additional: [{ cidr: '10.0.0.0/8', ports: [{ port: 1, endPort: 2 }] }] },
  },
} satisfies KcpMcpServerSpecInput;

const egress = (cidrs: string[]) => minimal({ networkPolicy: { egress: { cidrs } } });
const from = (...peers: object[]) => minimal({ networkPolicy: { ingress: { from: peers } } });
const ports = (...list: object[]) => minimal({ networkPolicy: { egress: { additional: [{ ports: list }] } } });

export const accepted: [string, Resource][] = [
  ['the smallest resource of the design', minimal()],
  ['all fields', minimal(full)],
  ['a Secret made by hand', minimal({ kcp: { secretRef: { name: 'kcp' } } })],
  [
    'an exchange, whose inbound audience is the endpoint itself',
    minimal({ auth: { oidc: { issuerURL: oidc.issuerURL }, upstream: full.auth.upstream } }),
  ],
  [
    'frontProxyRef, which brings its own oidc',
    minimal({ kcp: { frontProxyRef: { name: 'kcp', namespace: 'kcp-vespucci' } }, auth: undefined }),
  ],
  ['mode Kubeconfig with sign-in', minimal({ auth: { mode: 'Kubeconfig', oidc } })],
  ['mode Kubeconfig, for tokens of its own', minimal({ auth: { mode: 'Kubeconfig', oidc: { issuerURL: oidc.issuerURL } } })],
  ['mode Kubeconfig without, on a ClusterIP', minimal({ auth: { mode: 'Kubeconfig', allowUnauthenticated: true } })],
  ['a certificate kept elsewhere', minimal({ tls: { secretName: 'mcp-tls' } })],
  ['TLS at the edge without a certificate', minimal({ tls: { termination: 'Edge' }, exposure: { ingress: {} } })],
  ['TLS at the edge of a gateway', exposed({ gateway: { parentRefs, route: 'HTTP' } }, { termination: 'Edge' })],
  ['an ingress that passes TLS through', exposed({ ingress: passThrough })],
  ['a gateway that passes TLS through', exposed({ gateway: { parentRefs, route: 'TLS' } })],
  ['a gateway that checks the Pods', exposed({ gateway: { parentRefs, route: 'HTTP', backendCARef: { name: 'ca' } } })],
  [
    'an issuer with port and path',
    minimal({ auth: { oidc: { ...oidc, issuerURL: 'https://a.example:8443/realms/x' } } }),
  ],
  [
    'an external URL at another name of the certificate',
    minimal({ externalURL: 'https://b.example.com', tls: { ...smallest.tls, dnsNames: ['b.example.com'] } }),
  ],
  ['a network policy with all defaults', minimal({ networkPolicy: {} })],
  [
    'ranges of addresses of both kinds',
    egress(['0.0.0.0/0', '10.1.2.3/32', '::/0', '2001:DB8::1/128', 'fd00::ffff:10.0.0.1/96']),
  ],
  ['a name of 48 characters', minimal({ name: 'a'.repeat(48) })],
  ['a hostname of one label', minimal({ hostname: 'localhost' })],
];

const issuer = (issuerURL: string) => minimal({ auth: { oidc: { ...oidc, issuerURL } } });
const upstream = (value: Spec) => minimal({ auth: { oidc, upstream: value } });
const tls = (value: Spec) => minimal({ tls: { ...smallest.tls, ...value } });
const resources = (value: Spec) => minimal({ deployment: { resources: value } });
const open = { mode: 'Kubeconfig', allowUnauthenticated: true };

const HTTPS = 'must be an https URL without user, query and fragment';
const KCP = 'exactly one of kubeconfigRef, frontProxyRef and secretRef must be set';
const DNS = 'must be a DNS name in lower case';
const ORIGIN = 'must be an origin';
const NAME = 'metadata.name must start with a letter';
const CLUSTER_IP = 'nothing but a ClusterIP Service may expose the endpoint';

export const refused: [string, Resource, string][] = [
  ['a name of 49 characters', minimal({ name: 'a'.repeat(49) }), NAME],
  ['a name with a dot', minimal({ name: 'a.b' }), NAME],
  ['a name that starts with a digit', minimal({ name: '1a' }), NAME],
  ['no hostname', minimal({ hostname: undefined }), 'spec.hostname: Required value'],
  ['a hostname with a scheme', minimal({ hostname: 'https://mcp.example.com' }), DNS],
  ['a hostname with a port', minimal({ hostname: 'mcp.example.com:443' }), DNS],
  ['a hostname in upper case', minimal({ hostname: 'MCP.example.com' }), DNS],
  ['a wildcard hostname', minimal({ hostname: '*.example.com' }), DNS],
  ['an IP address as hostname', minimal({ hostname: '10.0.0.1' }), DNS],
  ['a further name that is none', tls({ dnsNames: ['a b'] }), DNS],
  ['an external URL by http', minimal({ externalURL: 'http://mcp.vespucci.example.com' }), HTTPS],
  ['an external URL with a query', minimal({ externalURL: 'https://mcp.vespucci.example.com/?a=b' }), HTTPS],
  [
    'an external URL with a slash at its end',
    minimal({ externalURL: 'https://mcp.vespucci.example.com/' }),
    'must not end with a slash',
  ],
  [
    'an external URL at another host',
    minimal({ externalURL: 'https://mcp.example.org' }),
    'must be the hostname or one of tls.dnsNames',
  ],
  ['an origin with a path', minimal({ allowedOrigins: ['https://a.example.com/'] }), ORIGIN],
  ['an origin in upper case', minimal({ allowedOrigins: ['https://A.example.com'] }), ORIGIN],
  ['an origin with the default port', minimal({ allowedOrigins: ['https://a.example.com:443'] }), ORIGIN],
  ["a workspace of kcp's own", minimal({ kcp: { ...smallest.kcp, workspace: 'system:admin' } }), "are kcp's own"],
  ['any origin', minimal({ allowedOrigins: ['*'] }), ORIGIN],
  ['no kcp', minimal({ kcp: {} }), KCP],
  ['two kcps', minimal({ kcp: { ...smallest.kcp, secretRef: { name: 'kcp' } } }), KCP],
  ['a workspace that is no path', minimal({ kcp: { ...smallest.kcp, workspace: 'root:' } }), 'spec.kcp.workspace'],
  ['no oidc', minimal({ auth: undefined }), 'auth.oidc is required'],
  ['no oidc in mode Kubeconfig', minimal({ auth: { mode: 'Kubeconfig' } }), 'auth.oidc is required'],
  ['no sign-in in mode OIDC', minimal({ auth: { allowUnauthenticated: true } }), 'is for mode Kubeconfig only'],
  ['oidc and no sign-in', minimal({ auth: { ...open, oidc } }), 'with allowUnauthenticated nobody signs in'],
  ['no sign-in behind an ingress', minimal({ auth: open, exposure: { ingress: {} } }), CLUSTER_IP],
  [
    'no sign-in behind a gateway',
    minimal({ auth: open, exposure: { gateway: { parentRefs: [{ name: 'a' }] } } }),
    CLUSTER_IP,
  ],
  [
    'no sign-in at a load balancer',
    minimal({ auth: open, exposure: { service: { type: 'LoadBalancer' } } }),
    CLUSTER_IP,
  ],
  [
    'no sign-in at a port of every node',
    minimal({ auth: open, exposure: { service: { type: 'NodePort' } } }),
    CLUSTER_IP,
  ],
  [
    'no sign-in with TLS that ends before the Pods',
    minimal({ auth: open, tls: { ...smallest.tls, termination: 'Edge' } }),
    'nothing may stand before the Service',
  ],
  [
    'mode Kubeconfig with a kubeconfig that has no rights',
    minimal({ auth: { mode: 'Kubeconfig', oidc }, kcp: { frontProxyRef: { name: 'kcp' } } }),
    'spec.auth.mode: Forbidden: auth.mode Kubeconfig needs kcp.kubeconfigRef or kcp.secretRef',
  ],
  [
    "an index of callers' views in mode Kubeconfig",
    minimal({ auth: { mode: 'Kubeconfig', oidc }, inventory: { mode: 'Index' } }),
    'inventory Index is for auth.mode OIDC only',
  ],
  ['an issuer by http', issuer('http://auth.example.com'), HTTPS],
  ['an issuer with a query', issuer('https://auth.example.com/?x=1'), HTTPS],
  ['an issuer with a fragment', issuer('https://auth.example.com/#x'), HTTPS],
  ['an issuer with a password', issuer('https://a:b@auth.example.com'), HTTPS],
  ['an issuer that is no URL', issuer('https://auth example'), HTTPS],
  ['an issuer that turns the line around', issuer('https://auth.example.com/a\u202eb'), HTTPS],
  ['an audience with control characters', minimal({ auth: { oidc: { ...oidc, audience: 'a\u001b[2J' } } }), 'spec.auth.oidc.audience'],
  ['an issuer of no kind', tls({ issuerRef: { name: 'a', kind: 'Issuer\nGrant it with: x' } }), 'spec.tls.issuerRef.kind'],
  ['an issuer of no group', tls({ issuerRef: { name: 'a', group: 'a b' } }), 'spec.tls.issuerRef.group'],
  [
    "an annotation of the Deployment controller's",
    minimal({ deployment: { annotations: { 'deployment.kubernetes.io/revision': '99' } } }),
    'belong to the Deployment controller',
  ],
  [
    "a label of the Deployment controller's",
    minimal({ deployment: { labels: { 'pod-template-hash': '1' } } }),
    'belongs to the Deployment controller',
  ],
  ...['10.0.0.0', '10.0.0.0/33', '256.0.0.0/8', 'kcp.example.com', '10.0.0.0/8 ', '2001:db8::', '::/129', 'a\n/8'].map(
    (range): [string, Resource, string] => [
      `${JSON.stringify(range)} as range of addresses`,
      egress([range]),
      'must be an IP range in CIDR notation',
    ],
  ),
  ['a peer that is nobody', from({}), 'must have either ipBlock, or namespaceSelector or podSelector or both'],
  ['a peer that is two', from({ ipBlock: { cidr: '::/0' }, podSelector: {} }), 'must have either ipBlock, or'],
  ['nobody as an empty list', from(), 'spec.networkPolicy.ingress.from'],
  ['a range of ports that ends before it begins', ports({ port: 2, endPort: 1 }), 'endPort must not be below port'],
  ['port 0', ports({ port: 0 }), 'should be greater than or equal to 1'],
  ['an unknown mode', minimal({ auth: { mode: 'Basic', oidc } }), 'supported values: "OIDC", "Kubeconfig"'],
  ['a scope with a space', minimal({ auth: { oidc: { ...oidc, scopes: ['a b'] } } }), 'spec.auth.oidc.scopes[0]'],
  [
    'a required scope that nobody asks for',
    minimal({ auth: { oidc: { ...oidc, requiredScopes: ['x'] } } }),
    'every required scope must be listed in scopes',
  ],
  ['an exchange without a client', upstream({ mode: 'Exchange', audience: 'kcp' }), 'mode Exchange needs'],
  [
    'an exchange without an audience',
    upstream({ mode: 'Exchange', clientID: 'a', clientSecretRef: { name: 'a' } }),
    'mode Exchange needs',
  ],
  ['a client without an exchange', upstream({ clientID: 'a' }), 'are for mode Exchange only'],
  [
    'no audience without an exchange',
    minimal({ auth: { oidc: { issuerURL: oidc.issuerURL } } }),
    'spec.auth.oidc.audience: Required value: audience is missing',
  ],
  [
    'an exchange for the audience that is there already',
    upstream({ ...full.auth.upstream, audience: oidc.audience }),
    'so there is nothing to exchange',
  ],
  [
    'an exchange in mode Kubeconfig',
    minimal({ auth: { mode: 'Kubeconfig', oidc, upstream: full.auth.upstream } }),
    'upstream Exchange is for mode OIDC only',
  ],
  ['an unknown toolset', minimal({ tools: { toolsets: ['helm'] } }), 'supported values: "config", "core", "kcp"'],
  [
    'a denied kind twice',
    minimal({ tools: { deniedResources: [{ version: 'v1' }, { version: 'v1' }] } }),
    'Duplicate value',
  ],
  [
    'an index without an identity',
    minimal({ kcp: { secretRef: { name: 'kcp' } }, inventory: { mode: 'Index' } }),
    'inventory Index needs',
  ],
  ['an age that is no duration', minimal({ inventory: { maxAge: '30' } }), 'must be a duration'],
  ['no issuer and no Secret', minimal({ tls: {} }), 'exactly one of issuerRef and secretName'],
  ['an issuer and a Secret', tls({ secretName: 'a' }), 'exactly one of issuerRef and secretName'],
  [
    'an issuer and a Secret at the edge',
    tls({ secretName: 'a', termination: 'Edge' }),
    'at most one of issuerRef and secretName',
  ],
  ['a lifetime that is no duration', tls({ duration: '90d' }), 'must be a duration of hours, minutes and seconds'],
  [
    'a renewal that is no duration',
    tls({ renewBefore: '15d' }),
    'spec.tls.renewBefore: Invalid value: "15d": must be a duration',
  ],
  ['a lifetime below an hour', tls({ duration: '59m', renewBefore: '5m' }), 'must be at least 1h'],
  ['a renewal below five minutes', tls({ renewBefore: '4m' }), 'must be at least 5m'],
  [
    'a renewal before the beginning',
    tls({ duration: '100h' }),
    'renewBefore (360h) must be shorter than duration (100h)',
  ],
  [
    'ingress and gateway',
    minimal({ exposure: { ingress: {}, gateway: { parentRefs: [{ name: 'a' }] } } }),
    'at most one of ingress and gateway',
  ],
  [
    'a TLSRoute to Pods that speak plain HTTP',
    exposed({ gateway: { parentRefs, route: 'TLS' } }, { termination: 'Edge' }),
    'spec.exposure.gateway.route: Forbidden: with tls.termination Edge the gateway ends TLS',
  ],
  [
    'a CA for Pods that speak plain HTTP',
    exposed({ gateway: { parentRefs, route: 'HTTP', backendCARef: { name: 'ca' } } }, { termination: 'Edge' }),
    'spec.exposure.gateway.backendCARef: Forbidden: backendCARef is for route HTTP with tls.termination Pod only',
  ],
  [
    'a CA for a gateway that passes TLS through',
    exposed({ gateway: { parentRefs, backendCARef: { name: 'ca' } } }),
    'backendCARef is for route HTTP with tls.termination Pod only',
  ],
  [
    'an ingress that passes TLS through to Pods that speak plain HTTP',
    exposed({ ingress: passThrough }, { termination: 'Edge' }),
    'spec.exposure.ingress.annotations: Forbidden: with tls.termination Edge the Pods speak plain HTTP: remove the annotation',
  ],
  [
    'an ingress that speaks HTTPS to Pods that speak plain HTTP',
    exposed(
      { ingress: { annotations: { 'nginx.ingress.kubernetes.io/backend-protocol': 'HTTPS' } } },
      { termination: 'Edge' },
    ),
    'with tls.termination Edge the Pods speak plain HTTP',
  ],
  [
    'a gateway without a parent',
    exposed({ gateway: { parentRefs: [] } }),
    'spec.exposure.gateway.parentRefs: Invalid value',
  ],
  ['port 0', minimal({ exposure: { service: { port: 0 } } }), 'should be greater than or equal to 1'],
  ['a quantity that is none', resources({ limits: { memory: 'much' } }), 'spec.deployment.resources.limits.memory'],
  [
    'a limit below the default request',
    resources({ limits: { memory: '64Mi' } }),
    'a request must not exceed the limit',
  ],
  [
    'a request above the limit',
    resources({ requests: { cpu: 2 }, limits: { cpu: '1500m' } }),
    'a request must not exceed the limit',
  ],
  [
    'a host alias twice',
    minimal({
      deployment: {
        hostAliases: [
          { ip: '::1', hostnames: ['a'] },
          { ip: '::1', hostnames: ['b'] },
        ],
      },
    }),
    'Duplicate value',
  ],
];
