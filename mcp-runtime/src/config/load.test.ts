import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig, parseConfig } from './load.ts';

const VALID = `kubeconfig = "/k"
oauth_audience = "platform-mesh"
authorization_url = "https://auth.example.com"
server_url = "https://mcp.example.com/"
`;

const UPSTREAM = `validation_enabled = true
confirmation_fallback = "deny"
trust_proxy_headers = false
${VALID}
[tool_overrides.pods_list]
description = "List pods."
[tool_overrides.helm_list]
description = ""
[[prompts]]
name = "check-pod-logs"
title = "Check Pod Logs"
description = "Quick way to check pod logs"
[[prompts.arguments]]
name = "pod_name"
description = "Name of the pod"
required = true
[[prompts.arguments]]
name = "namespace"
[[prompts.messages]]
role = "user"
content = "Show me the logs for pod {{pod_name}} in {{namespace}}"
[[confirmation_rules]]
tool = "helm_uninstall"
message = "This will uninstall a Helm release."
[[confirmation_rules]]
destructive = true
[[confirmation_rules]]
verb = "delete"
namespace = "kube-system"
message = "Deleting in kube-system."
`;

function problems(source: string): readonly string[] {
  try {
    parseConfig(source, 'config.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a right file', () => {
  test('gets every default; durations are milliseconds and server_url loses its trailing slash', () => {
    const config = parseConfig(VALID, 'config.toml');
    expect(config).toMatchObject({
      port: '8443',
      bind_address: '0.0.0.0',
      stateless: true,
      require_oauth: true,
      server_url: 'https://mcp.example.com',
      toolsets: ['core', 'kcp'],
      http: { read_header_timeout: 10_000, max_body_bytes: 4_194_304, rate_limit_rps: 0 },
      toolset_configs: { kcp: { health_port: '8080', allowed_hosts: [], required_scopes: [] } },
      cluster_provider_configs: { kcp: { default_workspace: 'root', inventory: 'caller', inventory_max_age: 30_000 } },
    });
  });

  test('for plain Kubernetes has other toolsets by default', () => {
    const config = parseConfig(`cluster_provider_strategy = "kubeconfig"\n${VALID}`, 'config.toml');
    expect(config.toolsets).toEqual(['core', 'config']);
  });

  test('may hold what upstream documents about prompts, overrides and confirmation', () => {
    const config = parseConfig(UPSTREAM, 'config.toml');
    expect(config.tool_overrides).toEqual({ pods_list: { description: 'List pods.' }, helm_list: {} });
    expect(config.prompts).toEqual([
      {
        name: 'check-pod-logs',
        title: 'Check Pod Logs',
        description: 'Quick way to check pod logs',
        arguments: [
          { name: 'pod_name', description: 'Name of the pod', required: true },
          { name: 'namespace', required: false },
        ],
        messages: [{ role: 'user', content: 'Show me the logs for pod {{pod_name}} in {{namespace}}' }],
      },
    ]);
    expect(config.confirmation_rules).toEqual([
      expect.objectContaining({ tool: 'helm_uninstall', verb: '', message: 'This will uninstall a Helm release.' }),
      expect.objectContaining({ tool: '', destructive: true, message: '' }),
      expect.objectContaining({ verb: 'delete', namespace: 'kube-system', kind: '' }),
    ]);
    expect(config).toMatchObject({ confirmation_fallback: 'deny', validation_enabled: true });
  });

  test('may hold what the operator renders', () => {
    const source = `log_level = 1
port = "8443"
stateless = true
list_output = "yaml"
tls_cert = "/etc/kcp-mcp/tls/tls.crt"
tls_key = "/etc/kcp-mcp/tls/tls.key"
require_tls = true
cluster_provider_strategy = "kcp"
cluster_auth_mode = "passthrough"
${VALID}
[[denied_resources]]
group = ""
version = "v1"
kind = "Secret"
[toolset_configs.kcp]
allowed_hosts = ["MCP.example.com", "[::1]"]
[cluster_provider_configs.kcp]
default_workspace = "root:acme"
inventory = "index"
inventory_max_age = "1m30s"
index_kubeconfig = "/etc/kcp-mcp/index/kubeconfig"
index_certificate_authority = "/etc/kcp-mcp/index/ca.crt"
`;
    const config = parseConfig(source, 'config.toml');
    expect(config.denied_resources).toEqual([{ group: '', version: 'v1', kind: 'Secret' }]);
    expect(config.toolset_configs.kcp.allowed_hosts).toEqual(['mcp.example.com', '[::1]']);
    expect(config.cluster_provider_configs.kcp).toEqual({
      default_workspace: 'root:acme',
      inventory: 'index',
      inventory_max_age: 90_000,
      index_kubeconfig: '/etc/kcp-mcp/index/kubeconfig',
      index_certificate_authority: '/etc/kcp-mcp/index/ca.crt',
    });
  });
});

describe('a wrong file names file, line, key, value and cure', () => {
  test.each([
    [
      'a number for a port',
      'port = 8443',
      'config.toml:1: port = 8443: must be a port number in quotes, such as "8443"',
    ],
    ['a port out of range', 'port = "70000"', 'config.toml:1: port = "70000": must be a port number'],
    ['an unknown key', 'prot = "1"', 'config.toml:1: prot: unknown key; did you mean port?'],
    ['an unknown key with nothing like it', 'zzz = 1', 'config.toml:1: zzz: unknown key; remove it'],
    [
      'an unknown nested key',
      '[http]\nmax_body_byte = 1',
      'config.toml:2: http.max_body_byte: unknown key; did you mean max_body_bytes?',
    ],
    ['sessions', 'stateless = false', 'config.toml:1: stateless = false: is not supported yet'],
    ['an upstream table', '[telemetry]\nendpoint = "http://x"', 'config.toml:1: telemetry = {…}: is not supported yet'],
    ['a log file', 'log_file = "/var/log/x"', 'config.toml:1: log_file = "/var/log/x": must be "stderr"; logs go to'],
    [
      'trust in a proxy',
      'trust_proxy_headers = true',
      'config.toml:1: trust_proxy_headers = true: is refused: server_url',
    ],
    [
      'filters by API group',
      'experimental_enable_target_compatibility_tool_filters = true',
      'config.toml:1: experimental_enable_target_compatibility_tool_filters = true: is not supported yet',
    ],
    [
      'an override that is no table',
      '[tool_overrides]\npods_list = "x"',
      'config.toml:2: tool_overrides.pods_list = "x": must be a table with description',
    ],
    [
      'an override of more than the description',
      '[tool_overrides.pods_list]\ndescriptoin = "x"',
      'config.toml:2: tool_overrides.pods_list.descriptoin: unknown key; did you mean description?',
    ],
    [
      'an override of what has no name',
      '[tool_overrides."pods list"]\ndescription = "x"',
      'must be the name of a tool, such as [tool_overrides.resources_list]',
    ],
    ['prompts that are no tables', 'prompts = ["x"]', 'config.toml:1: prompts[0] = "x": must be tables: [[prompts]]'],
    [
      'a prompt without a name',
      '[[prompts]]\n[[prompts.messages]]\nrole = "user"\ncontent = "x"',
      'config.toml:1: prompts[0].name is missing: it must be a name such as "check-pod-logs"',
    ],
    [
      'a prompt without messages',
      '[[prompts]]\nname = "x"',
      'config.toml:1: prompts[0].messages is missing: it must be tables: [[prompts.messages]] with role and content',
    ],
    [
      'a message of somebody else',
      '[[prompts]]\nname = "x"\n[[prompts.messages]]\nrole = "system"\ncontent = "x"',
      'config.toml:4: prompts[0].messages[0].role = "system": must be "user" or "assistant"',
    ],
    [
      'an argument that no placeholder can name',
      '[[prompts]]\nname = "x"\n[[prompts.arguments]]\nname = "{x}"\n[[prompts.messages]]\nrole = "user"\ncontent = "x"',
      'config.toml:4: prompts[0].arguments[0].name = "{x}": must be a name such as "pod_name", without { and }',
    ],
    [
      'two prompts of one name',
      '[[prompts]]\nname = "x"\nmessages = [{role = "user", content = "x"}]\n'.repeat(2),
      'config.toml:5: prompts[1].name = "x": is the name of prompt 1 too; rename one',
    ],
    [
      'a rule that mixes tools and requests',
      '[[confirmation_rules]]\ntool = "x"\nverb = "get"',
      'config.toml:1: confirmation_rules[0] = {…}: mixes tool (about tools) with verb (about requests to the API)',
    ],
    [
      'a rule that matches nothing',
      '[[confirmation_rules]]\ntool = "x"\n[[confirmation_rules]]\ngroup = ""\nmessage = "x"',
      'config.toml:3: confirmation_rules[1] = {…}: matches nothing; set one of tool, destructive, verb, kind',
    ],
    [
      'a rule about a verb that there is not',
      '[[confirmation_rules]]\nverb = "Delete"',
      'config.toml:2: confirmation_rules[0].verb = "Delete": must be one of "get", "list"',
    ],
    [
      'a rule with a misspelt field',
      '[[confirmation_rules]]\nverb = "get"\nnamspace = "x"',
      'config.toml:3: confirmation_rules[0].namspace: unknown key; did you mean namespace?',
    ],
    ['another fallback', 'confirmation_fallback = "ask"', 'confirmation_fallback = "ask": must be "allow" or "deny"'],
    [
      'workspaces of plain Kubernetes',
      'cluster_provider_strategy = "kubeconfig"\ntoolsets = ["core", "kcp"]',
      'config.toml:2: toolsets[1] = "kcp": needs cluster_provider_strategy = "kcp"',
    ],
    [
      'a field manager that the API refuses',
      '[toolset_configs.kcp]\nfield_manager = "kcp mcp"',
      'config.toml:2: toolset_configs.kcp.field_manager = "kcp mcp": must be 1 to 128 printable ASCII characters',
    ],
    [
      'an identity that there is not',
      'cluster_auth_mode = "shared"',
      'config.toml:1: cluster_auth_mode = "shared": must be "passthrough" or "kubeconfig"',
    ],
    [
      'another provider',
      'cluster_provider_strategy = "in-cluster"',
      'config.toml:1: cluster_provider_strategy = "in-cluster": must be "kcp" or "kubeconfig"; other',
    ],
    [
      'another toolset',
      'toolsets = [\n  "core",\n  "helm",\n]',
      'config.toml:1: toolsets[1] = "helm": must be a list of "core", "config", "kcp"',
    ],
    [
      'unverified tokens',
      'skip_jwt_verification = true',
      'config.toml:1: skip_jwt_verification = true: is refused: tokens are always verified',
    ],
    [
      'no sign-in',
      'require_oauth = false',
      'config.toml:1: require_oauth = false: goes with cluster_auth_mode = "kubeconfig" only',
    ],
    [
      'a bad duration',
      '[http]\nread_header_timeout = "10"',
      'config.toml:2: http.read_header_timeout = "10": must be a duration such as "30s"',
    ],
    [
      'an empty header timeout',
      '[http]\nread_header_timeout = "0s"',
      'config.toml:2: http.read_header_timeout = "0s": must be at least 1 ms',
    ],
    [
      'a wildcard host',
      '[toolset_configs.kcp]\nallowed_hosts = ["*"]',
      'config.toml:2: toolset_configs.kcp.allowed_hosts[0] = "*": must be host names',
    ],
    [
      'an open origin',
      '[toolset_configs.kcp]\nallowed_origins = ["*"]',
      'config.toml:2: toolset_configs.kcp.allowed_origins[0] = "*": must be origins',
    ],
    [
      'an inventory that there is not',
      '[cluster_provider_configs.kcp]\ninventory = "Index"',
      'config.toml:2: cluster_provider_configs.kcp.inventory = "Index": must be "caller" or "index"',
    ],
    [
      'an index that nobody may make',
      '[cluster_provider_configs.kcp]\ninventory = "index"',
      'config.toml:1: cluster_provider_configs.kcp.index_kubeconfig is missing: it must be the path of a kubeconfig with an identity',
    ],
    [
      'an identity without an index',
      '[cluster_provider_configs.kcp]\nindex_kubeconfig = "/i"',
      'config.toml:2: cluster_provider_configs.kcp.index_kubeconfig = "/i": has an effect with inventory = "index" only',
    ],
    [
      'a CA without an index',
      '[cluster_provider_configs.kcp]\nindex_certificate_authority = "/ca"',
      'config.toml:2: cluster_provider_configs.kcp.index_certificate_authority = "/ca": has an effect with',
    ],
    [
      "another toolset's table",
      '[toolset_configs.helm]\nx = 1',
      'config.toml:1: toolset_configs.helm = {…}: is not supported yet',
    ],
    [
      'a certificate without a key',
      'tls_cert = "/c"',
      'config.toml: tls_key is missing: it goes together with tls_cert',
    ],
    [
      'required TLS without a certificate',
      'require_tls = true',
      'config.toml:1: require_tls = true: needs a certificate',
    ],
    [
      'the second entry of an array of tables',
      '[[denied_resources]]\nkind = "A"\n[[denied_resources]]\nkind = 2',
      'config.toml:4: denied_resources[1].kind = 2: needs group',
    ],
    [
      'a key after a multi-line string',
      'server_instructions = """\nport = 1\n"""\nport = 2',
      'config.toml:4: port = 2: must be',
    ],
    ['a syntax error', 'port = ', "config.toml:1:8: isn't valid TOML:"],
  ])('%s', (_, lines, expected) => {
    // Top-level keys come before the first table; lines count from the case's own first one.
    const isTable = lines.startsWith('[');
    const found = problems(isTable ? `${VALID}${lines}` : `${lines}\n${VALID}`);
    expect(isTable ? found.map((text) => moveLine(text, -4)) : found).toEqual([expect.stringContaining(expected)]);
  });

  test('all at once, in the order of the file', () => {
    expect(problems('port = 1\nlog_level = "high"\nkubeconfig = "/k"')).toEqual([
      'config.toml: oauth_audience is missing: it must be the audience that kcp expects in tokens, such as "kcp"',
      'config.toml: authorization_url is missing: it must be an https URL such as "https://auth.example.com"',
      'config.toml: server_url is missing: it must be an https URL such as "https://mcp.example.com"',
      'config.toml:1: port = 1: must be a port number in quotes, such as "8443"',
      'config.toml:2: log_level = "high": must be a whole number from 0 to 9',
    ]);
  });

  test('but no more than a person would read', () => {
    const found = problems(Array.from({ length: 1_000 }, (_, index) => `x${index} = 1`).join('\n') + `\n${VALID}`);
    expect(found).toHaveLength(51);
    expect(found[49]).toMatch(/^config.toml:50: x49: unknown key/);
    expect(found[50]).toBe('config.toml: and 950 more');
  });

  test('without showing a secret', () => {
    const [secret] = problems(`sts_client_secret = ["hunter2"]\n${VALID}`);
    expect(secret).toContain('config.toml:1: sts_client_secret = (not shown): must be the secret of that client');
    const [url] = problems(VALID.replace('https://auth', 'https://me:hunter2@auth'));
    expect(url).toContain('authorization_url = "https://(not shown)@auth.example.com"');
    const [syntax] = problems(`sts_client_secret = hunter2\n${VALID}`);
    expect(syntax).not.toContain('hunter2');
  });

  test.each([
    'http://auth.example.com',
    'https://auth.example.com?x',
    'https://auth.example.com#x',
    'auth.example.com',
    '',
  ])('an issuer that is not a plain https URL: %s', (url) => {
    expect(problems(VALID.replace('https://auth.example.com', url))).toEqual([
      expect.stringContaining(`config.toml:3: authorization_url = "${url}": must be an https URL`),
    ]);
  });

  test('plain http is for loopback addresses only', () => {
    expect(problems(VALID.replace('https://mcp.example.com/', 'http://127.0.0.1:8080'))).toEqual([]);
    expect(problems(VALID.replace('https://mcp.example.com/', 'http://10.0.0.1'))).toHaveLength(1);
  });
});

function moveLine(text: string, by: number): string {
  return text.replace(/^config\.toml:(\d+)/, (_, line: string) => `config.toml:${Number(line) + by}`);
}

test('a file that is not there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'config-'));
  await expect(loadConfig(join(directory, 'nope.toml'))).rejects.toThrow(/nope\.toml: can't be read \(ENOENT\)/);
  await writeFile(join(directory, 'config.toml'), VALID);
  await expect(loadConfig(join(directory, 'config.toml'))).resolves.toMatchObject({ kubeconfig: '/k' });
});
