import type { RuntimeConfig } from './schema.ts';

/** Settings that are read once: sockets are open, files are watched and connections are made by them. */
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
  'certificate_authority',
  'toolset_configs.kcp.health_port',
  'toolset_configs.kcp.state_key_file',
  'cluster_provider_configs.kcp.inventory',
  'cluster_provider_configs.kcp.index_kubeconfig',
  'cluster_provider_configs.kcp.index_certificate_authority',
] as const;

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
  const ignored = changed(AT_START);
  // They belong to the strategy: those of the new one may not fit the one that goes on.
  if (ignored.includes('cluster_provider_strategy')) ignored.push(...changed(['toolsets']));
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
