// Further configuration, from the ConfigMap that spec.config.dropInRef names: what of it is taken, and what becomes of
// config.toml with it. It is merged here and never mounted, so nothing reaches the Pods unchecked (ADR 11).
import {
  checkConfig,
  complaint,
  ConfigError,
  isKnownKey,
  parseSource,
  problemAt,
  type ConfigSource,
  type Problem,
  type Table,
} from '@kcp-mcp-operator/mcp-runtime/config/check.js';
import type { RuntimeConfigInput } from '@kcp-mcp-operator/mcp-runtime/config/schema.js';
import type { RenderedConfig } from './config-map.ts';

/** What a drop-in says freely: the spec has no fields for it. */
const FREE = [
  'server_instructions',
  'tool_overrides',
  'prompts',
  'confirmation_rules',
  'confirmation_fallback',
  'validation_enabled',
  'list_output',
  'log_level',
] as const;
/** What it may only tighten: the spec has a word in it. */
const GATES = [
  'toolsets',
  'enabled_tools',
  'disabled_tools',
  'read_only',
  'disable_destructive',
  'denied_resources',
] as const;
/** Of `[http]`. */
const FREE_HTTP = ['read_header_timeout', 'max_body_bytes', 'rate_limit_rps', 'rate_limit_burst'] as const;
/** Of `[toolset_configs.kcp]`. */
const FREE_KCP = ['request_timeout', 'field_manager'] as const;

/** Fields of the spec that say what a drop-in must not. */
const FIELDS: Readonly<Record<string, string>> = {
  authorization_url: 'spec.auth.oidc.issuerURL',
  certificate_authority: 'spec.auth.oidc.caRef',
  cluster_auth_mode: 'spec.auth.mode',
  cluster_provider_configs: 'spec.kcp.workspace and spec.inventory',
  kubeconfig: 'spec.kcp',
  oauth_audience: 'spec.auth.oidc.audience',
  oauth_scopes: 'spec.auth.oidc.scopes',
  require_oauth: 'spec.auth.allowUnauthenticated',
  require_tls: 'spec.tls',
  server_url: 'spec.hostname and spec.externalURL',
  sts_auth_style: 'spec.auth.upstream',
  sts_audience: 'spec.auth.upstream',
  sts_client_id: 'spec.auth.upstream',
  sts_client_secret: 'spec.auth.upstream',
  sts_scopes: 'spec.auth.upstream',
  tls_cert: 'spec.tls',
  tls_key: 'spec.tls',
  token_exchange: 'spec.auth.upstream',
  token_exchange_strategy: 'spec.auth.upstream',
  'toolset_configs.kcp.allowed_hosts': 'spec.hostname and spec.tls.dnsNames',
  'toolset_configs.kcp.allowed_origins': 'spec.allowedOrigins',
  'toolset_configs.kcp.required_scopes': 'spec.auth.oidc.requiredScopes',
  'toolset_configs.kcp.token_exchange_client_secret_file': 'spec.auth.upstream.clientSecretRef',
};

/** It is in the ConfigMap twice, once merged, and an object has room for 1 MiB. */
const MAX_BYTES = 256 * 1024;

type KcpTable = NonNullable<NonNullable<RuntimeConfigInput['toolset_configs']>['kcp']>;
type Document = Pick<RuntimeConfigInput, (typeof FREE)[number] | (typeof GATES)[number]> & {
  readonly http?: Pick<NonNullable<RuntimeConfigInput['http']>, (typeof FREE_HTTP)[number]>;
  readonly toolset_configs?: { readonly kcp?: Pick<KcpTable, (typeof FREE_KCP)[number]> };
};

/** A drop-in that was read and found right for one server. */
export interface DropIn {
  readonly document: Document;
}

/** Why a drop-in isn't taken. The message names lines, keys, values and cures; parts of it are somebody else's text. */
export class InvalidDropInError extends Error {
  override readonly name = 'InvalidDropInError';
}

/**
 * Reads and checks a drop-in.
 *
 * @param rendered what the spec of the server makes of config.toml
 * @param options.gates `outdated`: it was right for an earlier spec, and gates that were closed since are not its fault;
 * {@link withDropIn} keeps them closed
 * @throws InvalidDropInError with all that is wrong with it
 */
export function readDropIn(
  text: string,
  rendered: RenderedConfig,
  { gates = 'checked' }: { gates?: 'checked' | 'outdated' } = {},
): DropIn {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new InvalidDropInError(`it has more than ${MAX_BYTES / 1024} KiB; shorten it`);
  }
  const wrong: Problem[] = [];
  const collect = <T>(step: () => T): T | undefined => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      wrong.push(...error.details);
      return undefined;
    }
  };
  const source = collect(() => parseSource(text, 'drop-in'));
  if (source !== undefined) {
    checkShape(source.document);
    const { kept, refused } = sift(source);
    wrong.push(...refused);
    const spec: ConfigSource = { name: 'config.toml', text: '', document: rendered };
    const checked = collect(() => checkConfig([spec, { ...source, document: kept }]));
    if (checked !== undefined && gates === 'checked') wrong.push(...loosened(source, kept, rendered));
    if (wrong.length === 0) return { document: kept };
  }
  throw new InvalidDropInError(listOf(wrong));
}

/** Far beyond what anybody means: what is deeper ends the stack, and of small values 256 KiB hold up all work for seconds. */
const MAX_DEPTH = 32;
const MAX_VALUES = 4096;

/** Without recursion, since it is the depth that is in doubt. */
function checkShape(document: Table): void {
  let level: unknown[] = [document];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (depth > MAX_DEPTH)
      throw new InvalidDropInError(`it has tables more than ${MAX_DEPTH} deep in each other; flatten it`);
    if (values > MAX_VALUES) throw new InvalidDropInError(`it has more than ${MAX_VALUES} values; shorten it`);
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}

/** Beyond them a condition is no list of things to do any more. */
const MAX_LISTED = 5;

function listOf(problems: readonly Problem[]): string {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const listed = sorted
    .slice(0, MAX_LISTED)
    .map(({ line, what }) => (line === undefined ? what : `line ${line}: ${what}`));
  const more = sorted.length - listed.length;
  return [...listed, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Takes out, by name, what a drop-in must not say. Keys that nobody knows stay, for the schema to name. */
function sift(source: ConfigSource): { kept: Table; refused: Problem[] } {
  const refused: Problem[] = [];
  const keep = (table: Table, path: readonly string[], free: readonly string[]): Table =>
    Object.fromEntries(
      Object.entries(table).flatMap(([key, value]): [string, unknown][] => {
        const full = [...path, key];
        if (free.includes(key) || !isKnownKey(full)) return [[key, value]];
        const name = full.join('.');
        const inner = isTable(value) ? INNER[name] : undefined;
        if (inner !== undefined) return [[key, keep(value as Table, full, inner)]];
        refused.push(problemAt(source, full, complaint(full, value, refusal(name))));
        return [];
      }),
    );
  return { kept: keep(source.document, [], [...FREE, ...GATES]), refused };
}

/** Tables of which some keys are free. */
const INNER: Readonly<Record<string, readonly string[]>> = {
  http: FREE_HTTP,
  toolset_configs: [],
  'toolset_configs.kcp': FREE_KCP,
};

const isTable = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function refusal(name: string): string {
  const field = FIELDS[name];
  return field === undefined
    ? 'is refused in a drop-in, which has no word in authentication, connections and what the operator itself sets; remove it'
    : `is refused in a drop-in; set ${field} of the KcpMcpServer instead`;
}

/** What would undo a gate of the spec. */
function loosened(source: ConfigSource, document: Document, rendered: RenderedConfig): Problem[] {
  const problem = (path: (string | number)[], value: unknown, message: string): Problem =>
    problemAt(source, path, complaint(path, value, message));
  const undone = (key: 'read_only' | 'disable_destructive', field: string): Problem[] =>
    document[key] === false && rendered[key] === true
      ? [problem([key], false, `would undo spec.tools.${field}, and a drop-in may only tighten; remove it`)]
      : [];
  const served = rendered.toolsets ?? [];
  const named = document.toolsets ?? [];
  const added = [...new Set(named)].flatMap((name): Problem[] => {
    if (served.includes(name)) return [];
    const message = 'is not among spec.tools.toolsets, and a drop-in may only tighten; add it there, or remove it here';
    return [problem(['toolsets', named.indexOf(name)], name, message)];
  });
  return [...undone('read_only', 'readOnly'), ...undone('disable_destructive', 'disableDestructive'), ...added];
}

/**
 * config.toml with a drop-in. Gates come out as tight as either wants them: lists of what is off are joined, in which this
 * differs from the runtime's own drop-in files.
 */
export function withDropIn(rendered: RenderedConfig, { document }: DropIn): RenderedConfig {
  const { toolsets, disabled_tools, denied_resources, read_only, disable_destructive, toolset_configs, ...free } =
    document;
  const served = rendered.toolsets ?? [];
  return {
    ...rendered,
    ...free,
    toolsets: toolsets === undefined ? served : served.filter((name) => toolsets.includes(name)),
    disabled_tools: [...new Set([...(rendered.disabled_tools ?? []), ...(disabled_tools ?? [])])].sort(),
    denied_resources: [...(rendered.denied_resources ?? []), ...(denied_resources ?? [])],
    read_only: rendered.read_only === true || read_only === true,
    disable_destructive: rendered.disable_destructive === true || disable_destructive === true,
    toolset_configs: { kcp: { ...rendered.toolset_configs.kcp, ...toolset_configs?.kcp } },
  };
}
