import { expect, test } from '@jest/globals';
import { AT_START, keepStartupSettings } from './restart.ts';
import { runtimeConfigSchema, type RuntimeConfigInput } from './schema.ts';

const config = (change: Partial<RuntimeConfigInput> = {}) =>
  runtimeConfigSchema.parse({
    kubeconfig: '/kubeconfig',
    oauth_audience: 'kcp',
    authorization_url: 'https://auth.example.com',
    server_url: 'https://mcp.example.com',
    ...change,
  });

const index: Partial<RuntimeConfigInput> = {
  cluster_provider_configs: {
    kcp: { inventory: 'index', index_kubeconfig: '/index', index_certificate_authority: '/index-ca' },
  },
};

const kubeconfigMode = { cluster_auth_mode: 'kubeconfig' } as const;
const anonymous: Partial<RuntimeConfigInput> = {
  ...kubeconfigMode,
  require_oauth: false,
  oauth_audience: undefined,
  authorization_url: undefined,
  server_url: undefined,
  toolset_configs: { kcp: { allowed_hosts: ['mcp.svc'] } },
};

const OTHER: Record<(typeof AT_START)[number], Partial<RuntimeConfigInput>> = {
  log_file: { log_file: 'stderr' },
  port: { port: '1' },
  bind_address: { bind_address: '127.0.0.1' },
  tls_cert: { tls_cert: '/cert', tls_key: '/key' },
  tls_key: { tls_cert: '/cert', tls_key: '/key' },
  require_tls: { require_tls: true, tls_cert: '/cert', tls_key: '/key' },
  tls_min_version: { tls_min_version: '1.3' },
  'http.read_header_timeout': { http: { read_header_timeout: '1s' } },
  kubeconfig: { kubeconfig: '/other' },
  cluster_provider_strategy: { cluster_provider_strategy: 'kubeconfig' },
  cluster_auth_mode: kubeconfigMode,
  require_oauth: anonymous,
  authorization_url: { authorization_url: 'https://other.example.com' },
  certificate_authority: { certificate_authority: '/ca' },
  'toolset_configs.kcp.health_port': { toolset_configs: { kcp: { health_port: '1' } } },
  'cluster_provider_configs.kcp.inventory': index,
  'cluster_provider_configs.kcp.index_kubeconfig': index,
  'cluster_provider_configs.kcp.index_certificate_authority': index,
  'toolset_configs.kcp.state_key_file': { toolset_configs: { kcp: { state_key_file: '/state' } } },
};

test.each(AT_START)('%s is named and stays as it was, whether it is set, changed or taken out', (key) => {
  const [before, after] = [config(), config(OTHER[key])];
  const there = keepStartupSettings(before, after);
  expect(there.ignored).toContain(key);
  expect(there.config).toEqual(before);
  expect(keepStartupSettings(after, before)).toMatchObject({ config: after, ignored: there.ignored });
});

test('all else is taken over, and what was given is left alone', () => {
  const before = config({ port: '1' });
  const next = config({ port: '2', read_only: true, http: { rate_limit_rps: 5 }, tool_overrides: { a: {} } });
  const kept = keepStartupSettings(before, next);
  expect(kept).toEqual({ config: { ...next, port: '1' }, ignored: ['port'] });
  expect(next.port).toBe('2');
});

test('what fits another issuer only waits with it', () => {
  const before = config();
  const next = config({
    authorization_url: 'https://other.example.com',
    oauth_audience: 'other',
    toolset_configs: { kcp: { required_scopes: ['mcp'] } },
    read_only: true,
  });
  const { config: kept, ignored } = keepStartupSettings(before, next);
  expect(ignored).toEqual(['authorization_url', 'oauth_audience', 'toolset_configs.kcp.required_scopes']);
  expect(kept).toEqual({ ...before, read_only: true });
});

test('toolsets of a strategy that waits for a restart wait too', () => {
  const before = config({ toolsets: ['core'] });
  const { config: kept, ignored } = keepStartupSettings(before, config({ cluster_provider_strategy: 'kubeconfig' }));
  expect(ignored).toEqual(['cluster_provider_strategy', 'toolsets']);
  expect(kept).toMatchObject({ cluster_provider_strategy: 'kcp', toolsets: ['core'] });
  expect(keepStartupSettings(before, config({ toolsets: ['kcp'] }))).toMatchObject({ ignored: [] });
});
