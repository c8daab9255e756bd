import type { RuntimeConfig } from './schema.ts';

/** Settings that are read once: sockets are open, files are watched and connections are made by them. */
const AT_START = [
  'port',
  'bind_address',
  'tls_cert',
  'tls_key',
  'require_tls',
  'tls_min_version',
  'kubeconfig',
  'certificate_authority',
] as const satisfies (keyof RuntimeConfig)[];

/**
 * Keeps what can't change while the process runs.
 *
 * @returns the configuration to work with, and the keys whose new value waits for a restart.
 */
export function keepStartupSettings(
  started: RuntimeConfig,
  next: RuntimeConfig,
): { readonly config: RuntimeConfig; readonly ignored: readonly string[] } {
  const ignored: string[] = AT_START.filter((key) => started[key] !== next[key]);
  if (started.http.read_header_timeout !== next.http.read_header_timeout) ignored.push('http.read_header_timeout');
  if (started.toolset_configs.kcp.health_port !== next.toolset_configs.kcp.health_port) {
    ignored.push('toolset_configs.kcp.health_port');
  }
  const kept = Object.fromEntries(AT_START.map((key) => [key, started[key]])) as Pick<
    RuntimeConfig,
    (typeof AT_START)[number]
  >;
  return { config: { ...next, ...kept }, ignored };
}
