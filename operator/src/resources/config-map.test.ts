import { describe, expect, test } from '@jest/globals';
import { type RuntimeConfig, runtimeConfigSchema } from '@kcp-mcp-operator/mcp-runtime/config/schema.js';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import type { KcpMcpServer, KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { configMap, InvalidConfigError, restartHash, runtimeConfig } from './config-map.ts';
import { fullSpec, minimalSpec, server } from './testdata/servers.ts';

/** config.toml as the runtime reads it. */
const read = (input: KcpMcpServer): RuntimeConfig =>
  runtimeConfigSchema.parse(parse(configMap(input).data?.['config.toml'] ?? ''));

const withOidc = (change: object): KcpMcpServerSpecInput => ({
  ...minimalSpec,
  auth: { oidc: { ...minimalSpec.auth.oidc, ...change } },
});

test('the protected resource is the hostname, or the external URL', () => {
  expect(read(server(minimalSpec)).server_url).toBe('https://mcp.vespucci.example.com');
  expect(read(server(fullSpec)).server_url).toBe('https://mcp.vespucci.example.com:8443/kcp');
});

test('requests may name the hostname, further names and the Service, each once', () => {
  const spec = { ...minimalSpec, tls: { ...minimalSpec.tls, dnsNames: ['b.example.com', minimalSpec.hostname] } };
  expect(read(server(spec)).toolset_configs.kcp.allowed_hosts).toEqual([
    'mcp.vespucci.example.com',
    'b.example.com',
    'vespucci-mcp.kcp-mcp',
    'vespucci-mcp.kcp-mcp.svc',
    'vespucci-mcp.kcp-mcp.svc.cluster.local',
  ]);
});

describe('mode Kubeconfig', () => {
  const shared = { ...minimalSpec, auth: { mode: 'Kubeconfig', oidc: minimalSpec.auth.oidc } } as const;
  const anonymous = { ...minimalSpec, auth: { mode: 'Kubeconfig', allowUnauthenticated: true } } as const;

  test("tokens are for the endpoint's own URL unless the spec says otherwise, and go no further", () => {
    const { issuerURL } = minimalSpec.auth.oidc;
    expect(read(server({ ...shared, auth: { mode: 'Kubeconfig', oidc: { issuerURL } } }))).toMatchObject({
      cluster_auth_mode: 'kubeconfig',
      require_oauth: true,
      oauth_audience: 'https://mcp.vespucci.example.com/mcp',
    });
  });

  test('without sign-in nothing is said of it, and requests still have to name a known host', () => {
    const { toolset_configs: configs, ...config } = read(server(anonymous));
    expect(config).toMatchObject({ cluster_auth_mode: 'kubeconfig', require_oauth: false, oauth_scopes: [] });
    for (const key of ['oauth_audience', 'authorization_url', 'server_url'] as const)
      expect(config[key]).toBeUndefined();
    expect(configs.kcp.allowed_hosts).toContain('mcp.vespucci.example.com');
  });

  test('another mode, and sign-in or none, each replace the Pods', () => {
    const hashes = [minimalSpec, shared, anonymous].map((spec) => restartHash(runtimeConfig(server(spec))));
    expect(new Set(hashes).size).toBe(3);
  });
});

describe('with an exchange', () => {
  const upstream = {
    mode: 'Exchange',
    audience: 'kcp',
    clientID: 'kcp-mcp',
    clientSecretRef: { name: 'exchange' },
  } as const;
  const { issuerURL } = minimalSpec.auth.oidc;

  test("callers' tokens are for the endpoint's own URL unless the spec says otherwise", () => {
    const own = { ...minimalSpec, auth: { oidc: { issuerURL }, upstream } };
    expect(read(server(own)).oauth_audience).toBe('https://mcp.vespucci.example.com/mcp');
    const moved = { ...own, externalURL: 'https://mcp.example.com:8443/kcp' };
    expect(read(server(moved)).oauth_audience).toBe('https://mcp.example.com:8443/kcp/mcp');
    expect(read(server({ ...own, auth: { oidc: minimalSpec.auth.oidc, upstream } })).oauth_audience).toBe(
      'platform-mesh',
    );
  });

  test('the runtime finds client, audience and secret, and the secret is in no ConfigMap', () => {
    const config = read(server({ ...minimalSpec, auth: { oidc: { issuerURL }, upstream } }));
    expect(config).toMatchObject({
      token_exchange: { strategy: 'rfc8693', audience: 'kcp', client_auth: { client_id: 'kcp-mcp' } },
      toolset_configs: { kcp: { token_exchange_client_secret_file: '/etc/kcp-mcp/exchange-client/client-secret' } },
    });
    expect(config).not.toHaveProperty('token_exchange.client_auth.client_secret');
  });
});

test('any audience and issuer reach the runtime as they are', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), (audience) => {
      expect(read(server(withOidc({ audience }))).oauth_audience).toBe(audience);
    }),
  );
});

test('lists that are sets are written in one order, so that their order replaces nothing', () => {
  const tools = (disabled: string[]) => configMap(server({ ...minimalSpec, tools: { disabled } }));
  expect(tools(['b', 'a'])).toEqual(tools(['a', 'b']));
});

describe('a spec that config.toml has no words for', () => {
  test('names the key', () => {
    const build = () => configMap(server(withOidc({ issuerURL: 'ftp://auth.example.com' })));
    expect(build).toThrow(InvalidConfigError);
    expect(build).toThrow('config.toml: authorization_url must be an https URL');
  });

  test('names spec.auth.oidc where that is missing', () => {
    const { auth: _, ...rest } = minimalSpec;
    expect(() => configMap(server(rest))).toThrow('spec.auth.oidc is missing');
  });
});

test('only what the runtime reads once at its start, and its issuer, change the hash on the Pods', () => {
  const hash = (spec: KcpMcpServerSpecInput) => restartHash(runtimeConfig(server(spec)));
  const base = hash(minimalSpec);
  expect(hash({ ...minimalSpec, tools: { readOnly: true }, hostname: 'other.example.com' })).toBe(base);
  expect(hash(withOidc({ audience: 'other' }))).toBe(base);
  expect(hash(withOidc({ issuerURL: 'https://other.example.com' }))).not.toBe(base);
  expect(hash(withOidc({ caRef: { name: 'ca' } }))).not.toBe(base);
  expect(restartHash({ ...runtimeConfig(server(minimalSpec)), port: '9443' })).not.toBe(base);
});
