/**
 * The operator's flags and environment variables, checked before anything is started. A flag wins over its
 * environment variable, which wins over the default.
 */
import { parseArgs } from 'node:util';

export interface Options {
  /** File with the API server's address and credentials; undefined: KUBECONFIG, ~/.kube/config, in-cluster. */
  kubeconfig: string | undefined;
  /** Context of that file; undefined: its current one. */
  context: string | undefined;
  /** Namespaces whose KcpMcpServers are served; empty: all. */
  namespaces: string[];
  /** Image of the Pods of a KcpMcpServer that names none. */
  runtimeImage: string;
  leaderElect: boolean;
  /** Namespace of the Lease and of the operator's own ServiceAccount. */
  leaseNamespace: string;
  /** Where /healthz, /readyz and /metrics are served. */
  metricsBindAddress: { host: string; port: number };
  /** KcpMcpServers reconciled at the same time. */
  concurrency: number;
  /** Whether issuers and kcps at loopback and link-local addresses are asked, too. */
  allowLocalAddresses: boolean;
  logLevel: LogLevel;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

/** What the command line asks for: to run, or to print something and leave. */
export type Command = { run: Options } | { print: string };

/** A flag or variable that can't be used. The message names it, its value and what is expected; exit code 2. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

export interface Flag {
  name: string;
  env?: string;
  /** What it takes, as the help shows it; left out where it takes nothing. */
  value?: string;
  help: string;
}

export const FLAGS: readonly Flag[] = [
  {
    name: 'kubeconfig',
    env: 'KUBECONFIG',
    value: 'FILE',
    help: 'kubeconfig file; without it ~/.kube/config, then the Pod’s ServiceAccount',
  },
  { name: 'context', env: 'KUBE_CONTEXT', value: 'NAME', help: 'context of the kubeconfig; default: its current one' },
  {
    name: 'namespace',
    env: 'WATCH_NAMESPACES',
    value: 'NAME[,NAME…]',
    help: 'serve KcpMcpServers of these namespaces only (may be repeated); default: all',
  },
  { name: 'runtime-image', env: 'RUNTIME_IMAGE', value: 'IMAGE', help: 'image for a KcpMcpServer that names none' },
  {
    name: 'leader-elect',
    env: 'LEADER_ELECT',
    value: 'true|false',
    help: 'work only while holding the Lease kcp-mcp-operator; default: true',
  },
  {
    name: 'lease-namespace',
    env: 'POD_NAMESPACE',
    value: 'NAME',
    help: 'namespace of the Lease; default: the Pod’s own, else kcp-mcp-operator-system',
  },
  {
    name: 'metrics-bind-address',
    env: 'METRICS_BIND_ADDRESS',
    value: '[HOST]:PORT',
    help: 'where /healthz, /readyz and /metrics are served; default: :8080',
  },
  {
    name: 'concurrency',
    env: 'CONCURRENCY',
    value: 'N',
    help: 'KcpMcpServers reconciled at the same time, 1 to 256; default: 16',
  },
  {
    name: 'allow-local-addresses',
    env: 'ALLOW_LOCAL_ADDRESSES',
    value: 'true|false',
    help: 'ask issuers and kcp at loopback and link-local addresses, too; default: false',
  },
  {
    name: 'log-level',
    env: 'LOG_LEVEL',
    value: LOG_LEVELS.join('|'),
    help: 'least level that is logged; default: info',
  },
  { name: 'help', help: 'print this text' },
  { name: 'version', help: 'print the version' },
];

const SWITCHES = new Set(FLAGS.flatMap(({ name, value }) => (value === 'true|false' ? [`--${name}`] : [])));

/**
 * Reads the command line and the environment.
 * @param argv arguments after the program's name
 * @throws OptionsError for an unknown flag or a value that can't be used
 */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv, version: string): Command {
  const flags = readFlags(argv);
  if (flags.has('help')) return { print: helpText(version) };
  if (flags.has('version')) return { print: `kcp-mcp-operator ${version}` };

  const get = (name: string): Value | undefined => {
    const given = flags.get(name);
    // The last one wins, as everywhere; only lists add up.
    if (given !== undefined)
      return { text: name === 'namespace' ? given.join(',') : (given.at(-1) ?? ''), origin: `--${name}` };
    const variable = FLAGS.find((flag) => flag.name === name)?.env;
    const text = variable === undefined ? undefined : env[variable];
    return variable === undefined || text === undefined || text === '' ? undefined : { text, origin: variable };
  };

  return {
    run: {
      // KUBECONFIG may name several files: kube/ reads it by its own rules.
      kubeconfig: flags.get('kubeconfig')?.at(-1),
      context: get('context')?.text,
      namespaces: namespaceList(get('namespace')),
      runtimeImage: image(get('runtime-image')) ?? `kcp-mcp-runtime:${version}`,
      leaderElect: bool(get('leader-elect')) ?? true,
      leaseNamespace: namespaceName(get('lease-namespace')) ?? 'kcp-mcp-operator-system',
      metricsBindAddress: bindAddress(get('metrics-bind-address')) ?? { host: '', port: 8080 },
      concurrency: integer(get('concurrency'), 1, 256) ?? 16,
      allowLocalAddresses: bool(get('allow-local-addresses')) ?? false,
      logLevel: oneOf(get('log-level'), LOG_LEVELS) ?? 'info',
    },
  };
}

interface Value {
  text: string;
  /** The flag or variable that it came from, for error messages. */
  origin: string;
}

function readFlags(argv: readonly string[]): Map<string, string[]> {
  const options = Object.fromEntries(
    FLAGS.map((flag) => [
      flag.name,
      flag.value === undefined ? { type: 'boolean' as const } : { type: 'string' as const, multiple: true },
    ]),
  );
  try {
    // `--leader-elect` alone means true, as in every Kubernetes program; parseArgs knows no optional values.
    const args = argv.map((arg) => (SWITCHES.has(arg) ? `${arg}=true` : arg));
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false });
    const flags = new Map<string, string[]>();
    for (const [name, value] of Object.entries(values)) {
      flags.set(name, Array.isArray(value) ? value.map(String) : []);
    }
    return flags;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message} (see --help)`);
  }
}

function fail({ text, origin }: Value, expected: string): never {
  throw new OptionsError(`${origin}: ${JSON.stringify(text)} is not ${expected} (see --help)`);
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function namespaceList(value: Value | undefined): string[] {
  if (value === undefined) return [];
  const names = value.text.split(',').map((name) => name.trim());
  for (const name of names) if (!DNS_LABEL.test(name)) fail({ ...value, text: name }, 'the name of a namespace');
  return [...new Set(names)];
}

function namespaceName(value: Value | undefined): string | undefined {
  if (value !== undefined && !DNS_LABEL.test(value.text)) fail(value, 'the name of a namespace');
  return value?.text;
}

function image(value: Value | undefined): string | undefined {
  if (value !== undefined && !/^[^\s]+$/.test(value.text)) fail(value, 'an image reference');
  return value?.text;
}

function bool(value: Value | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  return oneOf(value, ['true', 'false']) === 'true';
}

function integer(value: Value | undefined, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value.text) ? Number(value.text) : NaN;
  if (!(number >= min && number <= max)) fail(value, `a whole number from ${min} to ${max}`);
  return number;
}

function oneOf<T extends string>(value: Value | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  return allowed.find((item) => item === value.text) ?? fail(value, `one of ${allowed.join(', ')}`);
}

/** `:8080`, `127.0.0.1:8080` or `[::1]:8080`; an empty host means every address. Port 0 takes a free one. */
function bindAddress(value: Value | undefined): { host: string; port: number } | undefined {
  if (value === undefined) return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(value.text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) return fail(value, 'an address such as :8080 or 127.0.0.1:8080');
  return { host: match[1] ?? match[2] ?? '', port };
}

function helpText(version: string): string {
  const lines = FLAGS.map(({ name, env, value, help }) => {
    const flag = `  --${name}${value === undefined ? '' : ` ${value}`}`;
    return `${flag.padEnd(38)}${(env === undefined ? '' : env).padEnd(22)}${help}`;
  });
  return [
    `kcp-mcp-operator ${version}: turns each KcpMcpServer (mcp.kcp.io/v1alpha1) into a running MCP endpoint.`,
    '',
    'Usage: main.js [flags]',
    '',
    `${'  Flag'.padEnd(38)}${'Environment'.padEnd(22)}Meaning`,
    ...lines,
    '',
    'Exit codes: 0 after SIGTERM or SIGINT, 1 when it can’t start, 2 for a flag or variable that can’t be used.',
  ].join('\n');
}
