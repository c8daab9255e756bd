import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { parseAllDocuments } from 'yaml';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { configMap, restartHash, runtimeConfig } from './config-map.ts';
import { InvalidDropInError, readDropIn, withDropIn } from './drop-in.ts';
import { DROP_IN, fullSpec, minimalSpec, server } from './testdata/servers.ts';

interface Sample {
  metadata: { name: string };
  spec?: KcpMcpServerSpecInput;
  data?: Record<string, string>;
}

type Tools = NonNullable<KcpMcpServerSpecInput['tools']>;

const withTools = (tools: Tools) => server({ ...minimalSpec, tools });

/** What becomes of config.toml. */
const merged = (text: string, tools: Tools = {}) => {
  const it = withTools(tools);
  return runtimeConfig(it, readDropIn(text, runtimeConfig(it)));
};

/** What is wrong with a drop-in. */
function problems(text: string, tools: Tools = {}): string {
  try {
    merged(text, tools);
  } catch (error) {
    if (error instanceof InvalidDropInError) return error.message;
    throw error;
  }
  return '';
}

describe('a right drop-in', () => {
  test('reaches config.toml with all that the spec has no field for', () => {
    const spec = server(fullSpec);
    const config = runtimeConfig(spec, readDropIn(DROP_IN, runtimeConfig(spec)));
    expect(config).toMatchObject({
      server_instructions: 'Ask before you delete.',
      log_level: 3,
      list_output: 'yaml',
      validation_enabled: true,
      confirmation_fallback: 'deny',
      tool_overrides: { resources_list: { description: 'List objects. Name a namespace where you can.' } },
      prompts: [{ name: 'explain-workspace' }],
      confirmation_rules: [{ tool: 'resources_create_or_update' }],
      http: { read_header_timeout: '5s', max_body_bytes: 1_048_576, rate_limit_rps: 5 },
      toolset_configs: { kcp: { request_timeout: '30s', field_manager: 'assistants' } },
    });
  });

  test('leaves all else as the spec wants it', () => {
    const { server_instructions: _, ...rest } = merged('server_instructions = "hello"');
    expect(rest).toEqual(runtimeConfig(server(minimalSpec)));
  });

  test('is in the sample', () => {
    const file = join(import.meta.dirname, '../../../config/samples/kcpmcpserver-full.yaml');
    const [sample, map] = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Sample);
    const { dropInRef } = sample?.spec?.config ?? {};
    expect(dropInRef?.name).toBe(map?.metadata.name);
    const rendered = runtimeConfig(server(sample?.spec as KcpMcpServerSpecInput));
    const { document } = readDropIn(map?.data?.[dropInRef?.key ?? ''] ?? '', rendered);
    expect(document.server_instructions).toContain('root:acme');
  });

  test('may be empty', () => {
    expect(merged('# nothing yet\n')).toEqual(runtimeConfig(server(minimalSpec)));
  });

  test('lies beside config.toml, so that it is there when a bad one follows', () => {
    const it = server(minimalSpec);
    const dropIn = readDropIn('# mine\nlog_level = 2', runtimeConfig(it));
    const { data = {} } = configMap(it, dropIn);
    expect(parse(data['drop-in.toml'] ?? '')).toEqual({ log_level: 2 });
    expect(parse(data['config.toml'] ?? '')).toMatchObject({ log_level: 2 });
    expect(Object.keys(configMap(it).data ?? {})).toEqual(['config.toml']);
  });

  test('replaces Pods only for what the server reads once', () => {
    const hash = (text: string) => restartHash(merged(text));
    const without = restartHash(runtimeConfig(server(minimalSpec)));
    expect(hash('log_level = 9\nread_only = true\n[http]\nmax_body_bytes = 1')).toBe(without);
    expect(hash('[http]\nread_header_timeout = "5s"')).not.toBe(without);
  });
});

describe('gates', () => {
  test('are only ever tightened', () => {
    const tools = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
    const kinds = fc.array(
      fc.record({ group: fc.constantFrom('', 'g'), version: fc.constant('v1'), kind: fc.constantFrom('A', 'B') }),
    );
    const spec = fc.record({
      disabled: tools,
      readOnly: fc.boolean(),
      disableDestructive: fc.boolean(),
      deniedResources: kinds,
    });
    const dropIn = fc.record(
      { disabled_tools: tools, read_only: fc.boolean(), disable_destructive: fc.boolean(), denied_resources: kinds },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(spec, dropIn, (wanted, document) => {
        const rendered = runtimeConfig(withTools(wanted));
        const result = withDropIn(rendered, { document });
        expect(result.disabled_tools).toEqual(
          expect.arrayContaining([...wanted.disabled, ...(document.disabled_tools ?? [])]),
        );
        expect(result.denied_resources).toEqual([...wanted.deniedResources, ...(document.denied_resources ?? [])]);
        expect(result.read_only).toBe(wanted.readOnly || document.read_only === true);
        expect(result.disable_destructive).toBe(wanted.disableDestructive || document.disable_destructive === true);
      }),
    );
  });

  test('toolsets may become fewer', () => {
    expect(merged('toolsets = ["core"]').toolsets).toEqual(['core']);
    expect(merged('toolsets = []').toolsets).toEqual([]);
    expect(merged('').toolsets).toEqual(['core', 'kcp']);
  });

  test('enabled_tools narrows what is served, and is no way around disabled', () => {
    expect(merged('enabled_tools = ["pods_exec"]')).toMatchObject({
      enabled_tools: ['pods_exec'],
      disabled_tools: expect.arrayContaining(['pods_exec']),
    });
  });

  test.each<[string, string, Tools, string]>([
    ['read_only', 'read_only = false', { readOnly: true }, 'line 1: read_only = false: would undo spec.tools.readOnly'],
    [
      'disable_destructive',
      '\ndisable_destructive = false',
      { disableDestructive: true },
      'line 2: disable_destructive = false: would undo spec.tools.disableDestructive',
    ],
    [
      'toolsets',
      'toolsets = ["core", "config"]',
      { toolsets: ['core'] },
      'line 1: toolsets[1] = "config": is not among spec.tools.toolsets',
    ],
  ])('%s is not undone', (_, text, tools, expected) => {
    expect(problems(text, tools)).toContain(expected);
  });

  test('saying again what the spec says is no fault', () => {
    expect(problems('read_only = false\ndisable_destructive = false\ntoolsets = ["kcp", "core"]')).toBe('');
    expect(problems('read_only = true', { readOnly: true })).toBe('');
  });
});

describe('a drop-in is refused', () => {
  test.each([
    [
      'the audience',
      'oauth_audience = "other"',
      'line 1: oauth_audience = "other": is refused in a drop-in; set spec.auth.oidc.audience',
    ],
    [
      'the issuer',
      'authorization_url = "https://evil.example.com"',
      'set spec.auth.oidc.issuerURL of the KcpMcpServer instead',
    ],
    ['no sign-in', 'require_oauth = false', 'line 1: require_oauth = false: is refused in a drop-in'],
    ['unverified tokens', 'skip_jwt_verification = true', 'skip_jwt_verification = true: is refused in a drop-in'],
    ['the kubeconfig', 'kubeconfig = "/tmp/mine"', 'kubeconfig = "/tmp/mine": is refused in a drop-in; set spec.kcp'],
    ['the certificate', 'tls_key = "/tmp/key"', 'set spec.tls of the KcpMcpServer instead'],
    ['weaker TLS', 'tls_min_version = "1.2"', 'tls_min_version = "1.2": is refused in a drop-in'],
    ['the port', 'port = "1"', 'port = "1": is refused in a drop-in, which has no word in'],
    ['another strategy', 'cluster_provider_strategy = "kubeconfig"', 'is refused in a drop-in'],
    [
      'the workspace',
      '[cluster_provider_configs.kcp]\ndefault_workspace = "root:x"',
      'line 1: cluster_provider_configs = {…}: is refused',
    ],
    [
      'hosts',
      '[toolset_configs.kcp]\nallowed_hosts = ["x"]',
      'line 2: toolset_configs.kcp.allowed_hosts = ["x"]: is refused in a drop-in; set spec.hostname',
    ],
    ['origins', 'toolset_configs.kcp.allowed_origins = ["https://x"]', 'set spec.allowedOrigins'],
    ['scopes', 'toolset_configs.kcp.required_scopes = []', 'set spec.auth.oidc.requiredScopes'],
    [
      'a key of ours',
      '[toolset_configs.kcp]\nstate_key_file = "/x"',
      'toolset_configs.kcp.state_key_file = "/x": is refused',
    ],
    [
      'a secret, without showing it',
      'sts_client_secret = "hunter2"',
      'sts_client_secret = (not shown): is refused in a drop-in; set spec.auth.upstream',
    ],
    ['a token in an unknown key, without showing it', 'token = "hunter2"', 'line 1: token: unknown key'],
    ['an unknown key', 'read_ony = true', 'line 1: read_ony: unknown key; did you mean read_only?'],
    [
      'a wrong value',
      '[http]\nmax_body_bytes = "1"',
      'line 2: http.max_body_bytes = "1": must be a whole number greater than 0',
    ],
    [
      'a table of another toolset',
      '[toolset_configs.helm]\nx = 1',
      'line 1: toolset_configs.helm = {…}: is not supported yet',
    ],
    ['a table that is none', 'toolset_configs = 1', 'line 1: toolset_configs = 1: '],
    ['what is no TOML', 'log_level = 1\nread_only =', "line 2: isn't valid TOML"],
    ['too much', `server_instructions = "${'x'.repeat(262_144)}"`, 'it has more than 256 KiB; shorten it'],
  ])('for %s', (_, text, expected) => {
    expect(problems(text)).toContain(expected);
    expect(problems(text)).not.toContain('hunter2');
  });

  test('with all that is wrong, in the order of its lines, as far as a person reads', () => {
    const text = [
      'port = "1"',
      'log_level = "high"',
      'read_ony = true',
      'kubeconfig = "/x"',
      'prompts = 1',
      'a = 1',
      'b = 1',
    ];
    expect(problems(text.join('\n')).split('; line')).toHaveLength(5);
    expect(problems(text.join('\n'))).toMatch(/^line 1: port.*; line 2: log_level.*; line 5: prompts.*; and 2 more$/);
  });

  test.each([
    ['unknown keys', Array.from({ length: 20_000 }, (_, index) => `x${index} = 1`).join('\n')],
    ['toolsets', `toolsets = [${'"config",'.repeat(25_000)}]`],
    ['tables', '[[confirmation_rules]]\n'.repeat(10_000)],
  ])('with few words for thousands of wrong %s', (_, text) => {
    expect(problems(text).length).toBeLessThan(2_000);
  });

  test('whatever it holds: nothing but what the schema knows as free reaches config.toml', () => {
    const base = runtimeConfig(server(minimalSpec));
    const guarded = [
      'kubeconfig',
      'oauth_audience',
      'authorization_url',
      'server_url',
      'tls_cert',
      'port',
      'require_oauth',
    ] as const;
    const value = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.integer({ min: 0, max: 99 }),
      fc.dictionary(fc.string(), fc.string()),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...guarded, '__proto__', 'constructor', 'toString'), value),
        (document) => {
          const text = stringify(document);
          if (problems(text) === '') expect(merged(text)).toEqual(base);
        },
      ),
    );
  });
});

test.each([
  ['depth', `a${'.a'.repeat(100_000)} = 1`, 'it has tables more than 32 deep in each other'],
  ['depth of lists', `a = ${'['.repeat(500)}${']'.repeat(500)}`, 'it has tables more than 32 deep in each other'],
  ['number of values', '[[prompts]]\n'.repeat(20_000), 'it has more than 4096 values'],
])('a drop-in that is beyond all measure in its %s is told so, and no more is done with it', (_, text, why) => {
  expect(problems(text)).toContain(why);
});
