import * as z from 'zod';
import { AUTH_MODES, checkAuthMode, isGiven, neededToSignIn, SIGN_IN } from './auth-mode.ts';
import { confirmationRules } from './confirmation.ts';
import { duration, flag, hosts, httpsUrl, names, notYet, only, origins, port, positive, text } from './fields.ts';
import { prompts } from './prompts.ts';
import { checkExchange, exchangeFileKeys, exchangeKeys } from './token-exchange.ts';

/**
 * The schema of `config.toml`: the contract between the operator, which renders it, and the runtime, which reads it.
 *
 * Keys are those of kubernetes-mcp-server (containers/kubernetes-mcp-server, docs/configuration.md), so that one file starts
 * either server; our own settings live in `toolset_configs.kcp` and `cluster_provider_configs.kcp`, which upstream ignores.
 * A key that upstream knows and this version doesn't act on is refused by name: a setting is never silently without effect.
 *
 * Every message says what is wrong and what to write instead; `load.ts` adds file, line, key and value.
 */

/** The toolsets that this version serves. */
export const TOOLSETS = ['core', 'config', 'kcp'] as const;

/** Those that are served where `toolsets` isn't set, by `cluster_provider_strategy`. */
const DEFAULT_TOOLSETS: Readonly<Record<'kcp' | 'kubeconfig', readonly (typeof TOOLSETS)[number][]>> = {
  kcp: ['core', 'kcp'],
  kubeconfig: ['core', 'config'],
};

const TOOLSET = `must be a list of ${TOOLSETS.map((name) => `"${name}"`).join(', ')}; other toolsets are not supported yet`;

const DENIED = 'needs group (may be ""), version and kind, for example {group = "", version = "v1", kind = "Secret"}';
const deniedResource = z.strictObject(
  {
    /** API group; empty or absent for the core group. */
    group: z.string({ error: DENIED }).default(''),
    /** API version, for upstream; what is denied is denied in every version, since each serves the same objects. */
    version: z.string({ error: DENIED }).default(''),
    /** Kind; absent or empty denies every kind of the group. */
    kind: z.string({ error: DENIED }).default(''),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? DENIED : undefined) },
);

const OVERRIDE = 'must be a table with description';
const TOOL_NAME = 'must be the name of a tool, such as [tool_overrides.resources_list]';
/** `[tool_overrides.NAME]`; an empty description counts as absent. */
const toolOverrides = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
  z.strictObject(
    {
      description: z
        .string({ error: 'must be text' })
        .transform((value) => (value === '' ? undefined : value))
        .optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? OVERRIDE : undefined) },
  ),
  { error: (issue) => (issue.code === 'invalid_key' ? TOOL_NAME : 'must be tables: [tool_overrides.NAME]') },
);

/** `[http]` */
const http = z.strictObject({
  /** How long a client may take for its TLS handshake, and to send its headers. */
  read_header_timeout: duration('10s', { min: 1 }),
  /** Largest request body, in bytes. Upstream's 16 MiB don't fit a memory limit of 128Mi; kube-apiserver itself takes 3 MiB. */
  max_body_bytes: positive.default(4 * 1024 * 1024),
  /** Requests per second for one caller; 0 switches the limit off. */
  rate_limit_rps: z
    .number({ error: 'must be a number, 0 for no limit' })
    .min(0, { error: 'must be 0 or more' })
    .default(0),
  /** Requests a caller may make at once before `rate_limit_rps` applies; 0 takes one second's worth. */
  rate_limit_burst: z
    .number({ error: "must be a whole number, 0 for one second's worth" })
    .int({ error: 'must be a whole number' })
    .min(0, { error: 'must be 0 or more' })
    .default(0),
});

const FIELD_MANAGER = 'must be 1 to 128 printable ASCII characters without spaces, such as "kcp-mcp"';

/** `[toolset_configs.kcp]`: what of ours has to do with serving callers. */
const kcpToolset = z.strictObject({
  /** Port of `/healthz`, `/readyz` and `/metrics`, plain HTTP. */
  health_port: port('8080'),
  /** `Host` names accepted beside that of `server_url`. */
  allowed_hosts: hosts,
  /** Origins of browser clients that may call; none by default. */
  allowed_origins: origins,
  /** Scopes that every token must carry (403 `insufficient_scope` otherwise). */
  required_scopes: names('must be a list of scope names').default([]),
  ...exchangeFileKeys,
  /** How long one request may take before it is cancelled, also towards kcp. */
  request_timeout: duration('60s', { min: 1 }),
  /**
   * File with at least 32 bytes that nobody else knows: the key that seals what a client carries from one round of a call to
   * the next (2026-07-28). All replicas must share it. By default one is derived from the TLS key.
   */
  state_key_file: text('must be the path of a file with at least 32 random bytes').optional(),
  /** Name under which server-side apply writes (`metadata.managedFields`). */
  field_manager: z
    .string({ error: FIELD_MANAGER })
    .regex(/^[\x21-\x7e]{1,128}$/, { error: FIELD_MANAGER })
    .default('kcp-mcp'),
});

const INDEX_KUBECONFIG = 'must be the path of a kubeconfig with an identity that may list and watch all Workspaces';
const INVENTORY = 'must be "caller" or "index"';

/** `[cluster_provider_configs.kcp]`: what of ours has to do with kcp. */
const kcpProvider = z
  .strictObject({
    /** Workspace of a call that names none. */
    default_workspace: text('must be a workspace path such as "root" or "root:acme"')
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, {
        error: 'must be a workspace path such as "root" or "root:acme"',
      })
      .default('root'),
    /**
     * How "which workspaces may I use?" is answered: by walking with the caller's token, or by asking with it about each
     * workspace of an index.
     */
    inventory: z.enum(['caller', 'index'], { error: INVENTORY }).default('caller'),
    /** How old an answer to that may be. */
    inventory_max_age: duration('30s'),
    /** Who makes the index: a kubeconfig with inline credentials, which are used for nothing else. */
    index_kubeconfig: text(INDEX_KUBECONFIG).optional(),
    /** CA of shards that lie at other addresses than the server of `index_kubeconfig`. */
    index_certificate_authority: text('must be the path of a PEM file with the CA of the shards').optional(),
  })
  .superRefine(({ inventory, index_kubeconfig: kubeconfig, index_certificate_authority: ca }, context) => {
    const issue = (key: string, message: string) => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (inventory === 'index') {
      if (kubeconfig === undefined) issue('index_kubeconfig', `${INDEX_KUBECONFIG}, for inventory = "index"`);
      return;
    }
    const only = 'has an effect with inventory = "index" only; set that or remove the key';
    if (kubeconfig !== undefined) issue('index_kubeconfig', only);
    if (ca !== undefined) issue('index_certificate_authority', only);
  });

/** Tables of upstream's other toolsets and providers. */
const otherTables = (name: string) => ({
  error: ({ code }: { readonly code: string }) =>
    code === 'unrecognized_keys' ? `is not supported yet; remove the table (only [${name}.kcp] is read)` : undefined,
});

export const runtimeConfigSchema = z
  .strictObject({
    /** 0 warnings and errors, 1 to 3 what happens, 4 and above everything: upstream's klog levels. Audit lines come at each. */
    log_level: z
      .number({ error: 'must be a whole number from 0 to 9' })
      .int({ error: 'must be a whole number from 0 to 9' })
      .min(0, { error: 'must be a whole number from 0 to 9' })
      .max(9, { error: 'must be a whole number from 0 to 9' })
      .default(1),
    log_file: z
      .literal('stderr', {
        error:
          'must be "stderr"; logs go to standard output without this key, and a file is for whoever starts the process',
      })
      .optional(),
    port: port('8443'),
    bind_address: text('must be an IP address such as "0.0.0.0" or "127.0.0.1"').default('0.0.0.0'),
    stateless: only(
      true,
      'is not supported yet with this value: sessions are never kept; write true or remove the key',
    ),
    sse_base_url: notYet('remove the key: SSE endpoints of the 2024-11-05 transport are not served'),
    list_output: z.enum(['table', 'yaml'], { error: 'must be "table" or "yaml"' }).default('table'),

    tls_cert: text('must be the path of a PEM certificate chain').optional(),
    tls_key: text('must be the path of a PEM private key').optional(),
    require_tls: flag(false),
    tls_min_version: z
      .enum(['VersionTLS12', 'VersionTLS13', '1.2', '1.3'], { error: 'must be "VersionTLS12" or "VersionTLS13"' })
      .default('VersionTLS12'),
    tls_cipher_suites: notYet('remove the key: Node.js chooses safe cipher suites'),
    http: http.prefault({}),

    kubeconfig: text('must be the path of a kubeconfig that names the server (for kcp its front-proxy) and its CA'),
    /** What is served: kcp, or plain Kubernetes (`kubeconfig`). */
    cluster_provider_strategy: z
      .enum(['kcp', 'kubeconfig'], { error: 'must be "kcp" or "kubeconfig"; other strategies are not supported yet' })
      .default('kcp'),
    /** Whose identity kcp sees: the caller's, or for everybody that of the kubeconfig's user. */
    cluster_auth_mode: z.enum(AUTH_MODES, { error: 'must be "passthrough" or "kubeconfig"' }).default('passthrough'),

    /** By default what fits `cluster_provider_strategy`. */
    toolsets: z.array(z.enum(TOOLSETS, { error: TOOLSET }), { error: TOOLSET }).optional(),
    enabled_tools: names('must be a list of tool names').default([]),
    disabled_tools: names('must be a list of tool names').default([]),
    read_only: flag(false),
    disable_destructive: flag(false),
    denied_resources: z.array(deniedResource, { error: DENIED }).default([]),
    /** Text added to the instructions that clients give to their model. */
    server_instructions: z.string({ error: 'must be text' }).optional(),
    tool_overrides: toolOverrides.default({}),
    prompts,
    confirmation_rules: confirmationRules,
    /** What becomes of a call that has to be confirmed where the client can't ask anybody. */
    confirmation_fallback: z.enum(['allow', 'deny'], { error: 'must be "allow" or "deny"' }).default('allow'),
    /** Checks manifests and permissions before a request is made. */
    validation_enabled: flag(false),
    experimental_enable_target_compatibility_tool_filters: only(
      false,
      'is not supported yet with this value: which APIs there are differs from workspace to workspace; name the tools in disabled_tools',
    ),

    /** Callers sign in; an upstream file without this key means false, ours never does. */
    require_oauth: flag(true),
    /** What `aud` of callers' tokens must hold: kcp's audience, or with a token exchange this server's own. */
    oauth_audience: text(SIGN_IN.oauth_audience).optional(),
    authorization_url: httpsUrl('https://auth.example.com').optional(),
    oauth_scopes: names('must be a list of scope names').default([]),
    certificate_authority: text('must be the path of a PEM file with the CA of authorization_url').optional(),
    /** Public base URL: the protected resource (RFC 9728) is this plus `/mcp`. */
    server_url: httpsUrl('https://mcp.example.com', { httpOnLoopback: true })
      .transform((value) => value.replace(/\/+$/, ''))
      .optional(),
    skip_jwt_verification: z
      .literal(false, { error: 'is refused: tokens are always verified; remove the key' })
      .default(false),
    trust_proxy_headers: only(
      false,
      'is refused: server_url says what the public address is, and X-Forwarded-* headers are never believed; remove the key',
    ),
    /** Leaves `registration_endpoint` out of the authorization-server metadata that we pass on. */
    disable_dynamic_client_registration: flag(false),
    ...exchangeKeys,
    telemetry: notYet('remove the table; Prometheus metrics are served at /metrics of the health port'),

    toolset_configs: z.strictObject({ kcp: kcpToolset.prefault({}) }, otherTables('toolset_configs')).prefault({}),
    cluster_provider_configs: z
      .strictObject({ kcp: kcpProvider.prefault({}) }, otherTables('cluster_provider_configs'))
      .prefault({}),
  })
  .refine(isGiven('oauth_audience'), neededToSignIn('oauth_audience'))
  .refine(isGiven('authorization_url'), neededToSignIn('authorization_url'))
  .refine(isGiven('server_url'), neededToSignIn('server_url'))
  .superRefine((config, context) => {
    const both = (config.tls_cert === undefined) === (config.tls_key === undefined);
    if (!both) {
      const missing = config.tls_cert === undefined ? 'tls_cert' : 'tls_key';
      context.addIssue({
        code: 'custom',
        path: [missing],
        message: `goes together with ${missing === 'tls_cert' ? 'tls_key' : 'tls_cert'}`,
      });
    }
    if (config.require_tls && config.tls_cert === undefined && config.tls_key === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['require_tls'],
        message: 'needs a certificate; set tls_cert and tls_key',
      });
    }
    if (config.cluster_provider_strategy !== 'kcp' && config.toolsets?.includes('kcp') === true) {
      context.addIssue({
        code: 'custom',
        path: ['toolsets', config.toolsets.indexOf('kcp')],
        message: 'needs cluster_provider_strategy = "kcp": plain Kubernetes has no workspaces; remove it from the list',
      });
    }
    if (config.cluster_auth_mode === 'passthrough') checkExchange(config, context);
    checkAuthMode(config, context);
  })
  .transform((config) => ({
    ...config,
    toolsets: config.toolsets ?? [...DEFAULT_TOOLSETS[config.cluster_provider_strategy]],
  }));

/** What the runtime works with: every default filled in, durations in milliseconds, `server_url` without a trailing slash. */
export type RuntimeConfig = z.output<typeof runtimeConfigSchema>;

/** A configuration whose callers sign in. */
export type SignInConfig = RuntimeConfig & {
  readonly require_oauth: true;
  readonly oauth_audience: string;
  readonly authorization_url: string;
  readonly server_url: string;
};

/** Whether callers sign in; if not, everybody is anonymous. */
export const callersSignIn = (config: RuntimeConfig): config is SignInConfig => config.require_oauth;

/** What one writes: the content of `config.toml` before defaults. */
export type RuntimeConfigInput = z.input<typeof runtimeConfigSchema>;
