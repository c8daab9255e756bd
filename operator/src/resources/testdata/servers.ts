// The servers that the golden files are built from.
import {
  API_VERSION,
  KIND,
  type KcpMcpServer,
  type KcpMcpServerSpecInput,
  specSchema,
} from '../../api/kcp-mcp-server.ts';
import { runtimeConfig } from '../config-map.ts';
import { readDropIn } from '../drop-in.ts';
import type { ResolvedReferences } from '../index.ts';

/** A server as the API server returns it: with the defaults filled in. */
export const server = (spec: KcpMcpServerSpecInput): KcpMcpServer => ({
  apiVersion: API_VERSION,
  kind: KIND,
  metadata: { name: 'vespucci', namespace: 'kcp-mcp', uid: '6f0e1d2c-0000-4000-8000-000000000001', generation: 1 },
  spec: specSchema.parse(spec),
});

const oidc = { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' };

export const minimalSpec = {
  hostname: 'mcp.vespucci.example.com',
  kcp: { kubeconfigRef: { name: 'kcp-mcp-kubeconfig', namespace: 'kcp-vespucci' } },
  auth: { oidc },
  tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
} satisfies KcpMcpServerSpecInput;

/** Every field that this version acts on, with a value that isn't its default. */
export const fullSpec = {
  hostname: 'mcp.vespucci.example.com',
  externalURL: 'https://mcp.vespucci.example.com:8443/kcp',
  allowedOrigins: ['https://inspector.example.com'],
  kcp: { secretRef: { name: 'kcp' }, workspace: 'root:acme' },
  auth: {
    oidc: {
      ...oidc,
      scopes: ['openid', 'mcp:use'],
      requiredScopes: ['mcp:use'],
      caRef: { kind: 'Secret', name: 'issuer-ca', key: 'tls.crt' },
    },
    upstream: {
      mode: 'Exchange',
      audience: 'kcp',
      clientID: 'kcp-mcp',
      clientSecretRef: { name: 'exchange', key: 'secret' },
    },
  },
  tools: {
    toolsets: ['kcp'],
    disabled: ['resources_delete'],
    readOnly: true,
    disableDestructive: true,
    deniedResources: [
      { version: 'v1', kind: 'Secret' },
      { group: 'rbac.authorization.k8s.io', version: 'v1' },
    ],
  },
  inventory: { maxAge: '10s' },
  config: { dropInRef: { name: 'more', key: 'more.toml' } },
  tls: { secretName: 'mcp-certificate', dnsNames: ['mcp.internal.example.com'] },
  exposure: { service: { type: 'LoadBalancer', port: 8443, annotations: { 'example.com/pool': 'public' } } },
  networkPolicy: {
    ingress: {
      from: [
        { ipBlock: { cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] } },
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } },
      ],
      metricsFrom: [
        {
          namespaceSelector: {},
          podSelector: {
            matchExpressions: [{ key: 'app.kubernetes.io/name', operator: 'In', values: ['prometheus'] }],
          },
        },
      ],
    },
    egress: {
      cidrs: ['203.0.113.0/24', '2001:db8::/32'],
      additional: [
        { cidr: '10.0.0.0/8', ports: [{ port: 6443 }] },
        { ports: [{ protocol: 'UDP', port: 5353, endPort: 5354 }] },
      ],
    },
  },
  deployment: {
    replicas: 2,
    image: 'registry.example.com/kcp-mcp-runtime:0.1.0',
    imagePullPolicy: 'Always',
    imagePullSecrets: [{ name: 'pull' }],
    resources: { requests: { cpu: '250m', memory: '128Mi' }, limits: { cpu: 1, memory: '256Mi' } },
    hostAliases: [{ ip: '10.0.0.1', hostnames: ['kcp.vespucci.example.com'] }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { podAntiAffinity: {} },
    topologySpreadConstraints: [
      { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', maxSkew: 1 },
    ],
    priorityClassName: 'system-cluster-critical',
    labels: { team: 'platform', 'app.kubernetes.io/name': 'ours-wins' },
    annotations: { 'example.com/contact': 'platform@example.com' },
  },
} satisfies KcpMcpServerSpecInput;

const gateway = { parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'mcp', port: 8443 }] };

/** What exposes the endpoint, each way once. */
export const exposedSpecs = {
  /** The edge ends TLS, with the certificate of the spec. */
  edge: {
    ...minimalSpec,
    externalURL: 'https://assistants.example.com/kcp',
    tls: { ...minimalSpec.tls, termination: 'Edge', dnsNames: ['assistants.example.com'] },
    exposure: { ingress: { className: 'nginx', annotations: { 'example.com/limit': '10' } } },
    networkPolicy: {},
  },
  /** The edge ends TLS, with a certificate of its own. */
  edgeGateway: { ...minimalSpec, tls: { termination: 'Edge' }, exposure: { gateway } },
  passthrough: { ...minimalSpec, exposure: { gateway: { ...gateway, annotations: { 'example.com/dns': 'public' } } } },
  reencrypt: {
    ...minimalSpec,
    exposure: { gateway: { ...gateway, route: 'HTTP', backendCARef: { name: 'internal-ca' } }, service: { port: 8443 } },
  },
  reencryptPublic: { ...minimalSpec, exposure: { gateway: { ...gateway, route: 'HTTP' } } },
} satisfies Record<string, KcpMcpServerSpecInput>;

export const references: ResolvedReferences = {
  kubeconfig: { server: 'https://kcp.vespucci.example.com:8443', caData: 'Y2VydGlmaWNhdGU=' },
  runtimeImage: 'kcp-mcp-runtime:0.1.0',
};

/** Mode Kubeconfig: callers sign in, for this server alone, and act as the kubeconfig's user. */
export const sharedSpec = {
  ...minimalSpec,
  auth: { mode: 'Kubeconfig', oidc: { issuerURL: oidc.issuerURL } },
} satisfies KcpMcpServerSpecInput;

/** Mode Kubeconfig, and nobody signs in. */
export const anonymousSpec = {
  ...minimalSpec,
  kcp: { secretRef: { name: 'kcp' } },
  auth: { mode: 'Kubeconfig', allowUnauthenticated: true },
} satisfies KcpMcpServerSpecInput;

export const sharedReferences: ResolvedReferences = {
  ...references,
  kubeconfig: { ...references.kubeconfig, credentials: { certificateData: 'Y2VydGlmaWNhdGU=', keyData: 'a2V5' } },
};

/** Something of everything that a drop-in may say. */
export const DROP_IN = `
server_instructions = "Ask before you delete."
log_level = 3
list_output = "yaml"
validation_enabled = true
confirmation_fallback = "deny"
toolsets = ["kcp"]
enabled_tools = ["kcp_workspaces_list", "resources_list"]
disabled_tools = ["resources_scale"]
read_only = true
disable_destructive = true

[http]
read_header_timeout = "5s"
max_body_bytes = 1048576
rate_limit_rps = 5

[tool_overrides.resources_list]
description = "List objects. Name a namespace where you can."

[[prompts]]
name = "explain-workspace"
description = "Explain a workspace"
arguments = [{ name = "workspace", required = true }]
messages = [{ role = "user", content = "What is in {{workspace}}?" }]

[[confirmation_rules]]
tool = "resources_create_or_update"
message = "This changes an object."

[[denied_resources]]
group = "example.com"
kind = "Gadget"

[toolset_configs.kcp]
request_timeout = "30s"
field_manager = "assistants"
`;

/** With what `fullSpec` names in spec.config.dropInRef. */
export const fullReferences: ResolvedReferences = {
  ...references,
  dropIn: readDropIn(DROP_IN, runtimeConfig(server(fullSpec))),
  replicas: 2,
};

/** As little as it takes with a FrontProxy, and an index. */
export const frontProxySpec = {
  hostname: 'mcp.vespucci.example.com',
  kcp: { frontProxyRef: { name: 'vespucci', namespace: 'kcp-vespucci' } },
  inventory: { mode: 'Index' },
  tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
} satisfies KcpMcpServerSpecInput;

export const FRONT_PROXY = { namespace: 'kcp-vespucci', name: 'vespucci' };

/** What that FrontProxy says. */
export const ISSUER = { issuerURL: 'https://auth.example.com/realms/kcp', clientID: 'platform-mesh', hasCA: true };

export const frontProxyReferences: ResolvedReferences = {
  ...references,
  index: { copy: { ...references.kubeconfig, credentials: { token: 'dG9rZW4=' } }, frontProxy: FRONT_PROXY },
  issuerCA: '-----BEGIN CERTIFICATE-----\nY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n',
};
