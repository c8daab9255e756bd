import type { RuntimeConfig } from './schema.ts';

/**
 * Settings that are read once: sockets are open, files are watched and connections are made by them. And the issuer: a wrong one must
 * not take away keys that work, as in a Deployment the next Pod would wait for its own, and this one go on.
 */
export const AT_START = [
  'log_file',
  'port',
  'bind_address',
  'tls_cert',
  'tls_key',
  'require_tls',
  'tls_min_version',
  'http.read_header_timeout',
  'kubeconfig',
  'cluster_provider_strategy',
  'cluster_auth_mode',
  'require_oauth',
  'authorization_url',
  'certificate_authority',
  'toolset_configs.kcp.health_port',
  'toolset_configs.kcp.state_key_file',
  'cluster_provider_configs.kcp.inventory',
  'cluster_provider_configs.kcp.index_kubeconfig',
  'cluster_provider_configs.kcp.index_certificate_authority',
] as const;

/** What tokens of the issuer hold, and how clients come by them. */
const ISSUED = [
  'oauth_audience',
  'oauth_scopes',
  'disable_dynamic_client_registration',
  'toolset_configs.kcp.required_scopes',
];

const EXCHANGE = [
  'token_exchange',
  'token_exchange_strategy',
  'sts_client_id',
  'sts_client_secret',
  'sts_audience',
  'sts_scopes',
  'sts_auth_style',
  'toolset_configs.kcp.token_exchange_client_secret_file',
];

/** Settings that fit, or are needed by, one value of another only: they wait together with it. */
const TOGETHER: Partial<Record<(typeof AT_START)[number], readonly string[]>> = {
  cluster_provider_strategy: ['toolsets'],
  cluster_auth_mode: EXCHANGE,
  authorization_url: [...ISSUED, ...EXCHANGE],
  require_oauth: [...ISSUED, 'server_url', 'toolset_configs.kcp.allowed_hosts'],
};

/**
 * Keeps what can't change while the process runs.
 *
 * @returns the configuration to work with, and the keys whose new value waits for a restart.
 */
export function keepStartupSettings(
  started: RuntimeConfig,
  next: RuntimeConfig,
): { readonly config: RuntimeConfig; readonly ignored: readonly string[] } {
  const changed = (keys: readonly string[]) => keys.filter((key) => !same(valueOf(started, key), valueOf(next, key)));
  const waiting = changed(AT_START) as (typeof AT_START)[number][];
  const ignored = [...new Set([...waiting, ...waiting.flatMap((key) => changed(TOGETHER[key] ?? []))])];
  const config = structuredClone(next);
  for (const key of ignored) setValue(config, key, valueOf(started, key));
  return { config, ignored };
}

type Table = Record<string, unknown>;

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

function valueOf(config: RuntimeConfig, key: string): unknown {
  return key.split('.').reduce<unknown>((table, part) => (table as Table)[part], config);
}

function setValue(config: RuntimeConfig, key: string, value: unknown): void {
  const path = key.split('.');
  const last = path.pop() ?? '';
  const table = path.reduce<unknown>((outer, part) => (outer as Table)[part], config);
  (table as Table)[last] = value;
}
