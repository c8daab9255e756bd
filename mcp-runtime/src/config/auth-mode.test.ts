import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig } from './load.ts';
import type { RuntimeConfig } from './schema.ts';

const SIGN_IN = `oauth_audience = "platform-mesh"
authorization_url = "https://auth.example.com"
server_url = "https://mcp.example.com"
`;
const ANONYMOUS = `kubeconfig = "/k"
cluster_auth_mode = "kubeconfig"
require_oauth = false
`;
const HOST = '[toolset_configs.kcp]\nallowed_hosts = ["mcp.svc"]\n';

function problems(source: string): readonly string[] {
  try {
    parse(source);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const parse = (source: string): RuntimeConfig => parseConfig(source, 'config.toml');

describe('one identity for everybody', () => {
  test.each(['kcp', 'kubeconfig'])('callers sign in: strategy %s', (strategy) => {
    const file = `kubeconfig = "/k"\ncluster_auth_mode = "kubeconfig"\ncluster_provider_strategy = "${strategy}"\n${SIGN_IN}`;
    expect(parse(file)).toMatchObject({ cluster_auth_mode: 'kubeconfig', require_oauth: true });
  });

  test.each([
    ['on a host of its own', `${ANONYMOUS}${HOST}`],
    ['on loopback', `${ANONYMOUS}bind_address = "127.0.0.1"`],
  ])('nobody signs in, %s', (_, file) => {
    expect(parse(file)).toMatchObject({ require_oauth: false, cluster_auth_mode: 'kubeconfig' });
  });

  test('a token exchange is refused, each of its keys by name', () => {
    const top = `kubeconfig = "/k"\ncluster_auth_mode = "kubeconfig"\n${SIGN_IN}`;
    const cure = ': exchanges a caller\'s token for kcp, but with cluster_auth_mode = "kubeconfig" kcp sees one';
    expect(problems(`${top}sts_audience = "kcp"\nsts_client_id = "mcp"`)).toEqual([
      expect.stringContaining(`config.toml:6: sts_audience = "kcp"${cure}`),
      expect.stringContaining(`config.toml:7: sts_client_id = "mcp"${cure}`),
    ]);
    const tables =
      '[token_exchange]\naudience = "kcp"\n[toolset_configs.kcp]\ntoken_exchange_client_secret_file = "/s"';
    expect(problems(`${top}${tables}`)).toEqual([
      expect.stringContaining(`config.toml:6: token_exchange = (not shown)${cure}`),
      expect.stringContaining(`config.toml:9: toolset_configs.kcp.token_exchange_client_secret_file = "/s"${cure}`),
    ]);
  });

  test('an index is refused: it is for what each caller may see', () => {
    const index = '[cluster_provider_configs.kcp]\ninventory = "index"\nindex_kubeconfig = "/i"';
    expect(problems(`kubeconfig = "/k"\ncluster_auth_mode = "kubeconfig"\n${SIGN_IN}${index}`)).toEqual([
      expect.stringContaining(
        'config.toml:7: cluster_provider_configs.kcp.inventory = "index": asks kcp about each workspace',
      ),
    ]);
  });
});

describe('nobody signs in', () => {
  test("not with callers' tokens", () => {
    const file = `kubeconfig = "/k"\nrequire_oauth = false\n${HOST}`;
    expect(problems(file)).toEqual([
      expect.stringContaining('config.toml:2: require_oauth = false: goes with cluster_auth_mode = "kubeconfig" only'),
    ]);
  });

  test('what is about signing in is refused, as upstream refuses it', () => {
    const rest =
      'certificate_authority = "/ca"\noauth_scopes = ["openid"]\ndisable_dynamic_client_registration = true\n';
    const found = problems(`${ANONYMOUS}${SIGN_IN}${rest}${HOST}required_scopes = ["mcp"]`);
    expect(
      found.map((text) => / (\S+) = .*is about signing in, and require_oauth = false; remove it/.exec(text)?.[1]),
    ).toEqual([
      'oauth_audience',
      'authorization_url',
      'server_url',
      'certificate_authority',
      'oauth_scopes',
      'disable_dynamic_client_registration',
      'toolset_configs.kcp.required_scopes',
    ]);
    expect(found[2]).toContain('name its host in toolset_configs.kcp.allowed_hosts');
  });

  test('somebody has to say which Host is right', () => {
    expect(problems(ANONYMOUS)).toEqual([
      expect.stringContaining('toolset_configs.kcp.allowed_hosts is missing: it must name the hosts that clients call'),
    ]);
  });
});
