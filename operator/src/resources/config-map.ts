import { createHash } from 'node:crypto';
import { type RuntimeConfigInput, runtimeConfigSchema } from '@kcp-mcp-operator/mcp-runtime/config/schema.js';
import { stringify } from 'smol-toml';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { type DropIn, withDropIn } from './drop-in.ts';
import { certificateSecret, endpointPort, publicURL } from './endpoint.ts';
import type { ConfigMap } from './kubernetes-types.ts';
import { childMetadata, childNames } from './names.ts';
import { CONFIG_KEY, DROP_IN_KEY, HEALTH_PORT, ISSUER_CA_KEY, PATHS } from './pod-layout.ts';

/** A spec that the API server accepted and the runtime's schema does not. The message names the key of config.toml. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError';
}

type Table<Name extends 'toolset_configs' | 'cluster_provider_configs'> = Record<
  'kcp',
  NonNullable<NonNullable<RuntimeConfigInput[Name]>['kcp']>
>;

/** What we write of config.toml. The schema's own type can't be written: it refuses tables but `kcp` as type `never`. */
export type RenderedConfig = Omit<RuntimeConfigInput, 'toolset_configs' | 'cluster_provider_configs'> & {
  toolset_configs: Table<'toolset_configs'>;
  cluster_provider_configs: Table<'cluster_provider_configs'>;
};

/** What callers' tokens must name in `aud`: with an exchange or in mode Kubeconfig, unless the spec says otherwise, the URL of the endpoint. */
export const inboundAudience = (server: KcpMcpServer): string =>
  server.spec.auth.oidc?.audience ?? `${publicURL(server)}/mcp`;

/**
 * What the Pods serve from, as an object; checked against the runtime's own schema.
 * @throws InvalidConfigError
 */
export function runtimeConfig(server: KcpMcpServer, dropIn?: DropIn): RenderedConfig {
  const config = uncheckedConfig(server, dropIn);
  const { error } = runtimeConfigSchema.safeParse(config);
  if (error) {
    const problems = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new InvalidConfigError(`config.toml: ${problems.join('; ')}`);
  }
  return config;
}

/**
 * The same for those who know that it was checked before.
 * @throws InvalidConfigError without an issuer
 */
export const uncheckedConfig = (server: KcpMcpServer, dropIn?: DropIn): RenderedConfig =>
  dropIn === undefined ? specConfig(server) : withDropIn(specConfig(server), dropIn);

function specConfig(server: KcpMcpServer): RenderedConfig {
  const { spec } = server;
  const { oidc, mode, upstream } = spec.auth;
  return {
    log_level: 1,
    port: String(endpointPort(server).containerPort),
    bind_address: '0.0.0.0',
    stateless: true,
    list_output: 'table',
    ...(spec.tls.termination === 'Pod'
      ? { tls_cert: PATHS.tlsCert, tls_key: PATHS.tlsKey, require_tls: true }
      : { require_tls: false }),
    kubeconfig: PATHS.kubeconfig,
    cluster_provider_strategy: 'kcp',
    cluster_auth_mode: mode === 'Kubeconfig' ? 'kubeconfig' : 'passthrough',
    toolsets: [...spec.tools.toolsets].sort(),
    disabled_tools: [...spec.tools.disabled].sort(),
    read_only: spec.tools.readOnly,
    disable_destructive: spec.tools.disableDestructive,
    denied_resources: spec.tools.deniedResources,
    ...signIn(server),
    ...(upstream.mode === 'Exchange'
      ? {
          token_exchange: {
            strategy: 'rfc8693' as const,
            audience: upstream.audience,
            // Upstream wants a secret beside a method; without both it parses the file.
            client_auth: { client_id: upstream.clientID },
          },
        }
      : {}),
    toolset_configs: {
      kcp: {
        health_port: String(HEALTH_PORT),
        allowed_hosts: allowedHosts(server),
        allowed_origins: spec.allowedOrigins,
        ...(oidc ? { required_scopes: oidc.requiredScopes } : {}),
        ...sealingKey(server),
        // The secret itself is in no ConfigMap.
        ...(upstream.mode === 'Exchange' ? { token_exchange_client_secret_file: PATHS.clientSecret } : {}),
      },
    },
    cluster_provider_configs: {
      kcp: {
        default_workspace: spec.kcp.workspace,
        inventory: spec.inventory.mode === 'Index' ? 'index' : 'caller',
        inventory_max_age: spec.inventory.maxAge,
        // Its CA is that of the shards, too: kcp-operator signs all servers by one (docs/adr/0019).
        ...(spec.inventory.mode === 'Index' ? { index_kubeconfig: PATHS.indexKubeconfig } : {}),
      },
    },
  };
}

/**
 * Where TLS ends before the Pods, they still share the certificate's key, to make their sealing key of (ADR 13). Where the edge
 * has a certificate of its own, each Pod makes one up.
 */
const sealingKey = (server: KcpMcpServer): { state_key_file?: string } =>
  server.spec.tls.termination === 'Edge' && certificateSecret(server) !== undefined
    ? { state_key_file: PATHS.tlsKey }
    : {};

/** With allowUnauthenticated nothing more may be said: kubernetes-mcp-server refuses the rest, server_url too, without require_oauth. */
function signIn(server: KcpMcpServer): Partial<RenderedConfig> {
  const { oidc, allowUnauthenticated } = server.spec.auth;
  if (allowUnauthenticated) return { require_oauth: false };
  if (!oidc) throw new InvalidConfigError('spec.auth.oidc is missing: config.toml needs an issuer and an audience');
  return {
    require_oauth: true,
    oauth_audience: inboundAudience(server),
    authorization_url: oidc.issuerURL,
    oauth_scopes: oidc.scopes,
    ...(oidc.caRef ? { certificate_authority: PATHS.oidcCA } : {}),
    server_url: publicURL(server),
  };
}

/** Names that a request's Host may have: the public ones and those of the Service inside the cluster. */
function allowedHosts({ metadata, spec }: KcpMcpServer): string[] {
  const service = `${childNames(metadata.name).workload}.${metadata.namespace ?? 'default'}`;
  return [...new Set([spec.hostname, ...spec.tls.dnsNames, service, `${service}.svc`, `${service}.svc.cluster.local`])];
}

/**
 * The ConfigMap with config.toml, and beside it the drop-in that was merged (the last good one, when a bad one follows) and the
 * issuer's CA, where that lies in another namespace.
 */
export function configMap(server: KcpMcpServer, dropIn?: DropIn, issuerCA?: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(server, childNames(server.metadata.name).configMap),
    data: {
      [CONFIG_KEY]: stringify(runtimeConfig(server, dropIn)),
      ...(dropIn && { [DROP_IN_KEY]: stringify(dropIn.document) }),
      ...(issuerCA !== undefined && { [ISSUER_CA_KEY]: issuerCA }),
    },
  };
}

/**
 * Hash of what the runtime reads once, at its start (mcp-runtime/src/config/restart.ts has the list): where it listens, which
 * files it watches, and the issuer. All else it reloads, the content of those files included, so a change of that must not
 * replace Pods. OIDCReady says that a Pod of this template has the issuer's keys.
 */
export function restartHash(config: RenderedConfig): string {
  const read = [
    config.port,
    config.bind_address,
    config.tls_cert,
    config.tls_key,
    config.require_tls,
    config.kubeconfig,
    config.certificate_authority,
    config.authorization_url,
    config.toolset_configs.kcp.health_port,
    ...(config.toolset_configs.kcp.state_key_file === undefined ? [] : [config.toolset_configs.kcp.state_key_file]),
    // Left out in mode OIDC, as below.
    ...(config.cluster_auth_mode === 'kubeconfig' ? [config.cluster_auth_mode, config.require_oauth] : []),
    // As for all that most servers don't have: a longer list would replace the Pods of all of them.
    ...(config.cluster_provider_configs.kcp.inventory === 'index'
      ? [config.cluster_provider_configs.kcp.inventory, config.cluster_provider_configs.kcp.index_kubeconfig]
      : []),
    // A drop-in may set it. Left out when unset: a longer list would replace the Pods of all servers.
    ...(config.http?.read_header_timeout === undefined ? [] : [config.http.read_header_timeout]),
  ];
  return createHash('sha256').update(JSON.stringify(read)).digest('hex').slice(0, 16);
}
