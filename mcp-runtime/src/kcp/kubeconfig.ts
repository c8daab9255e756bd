import { parseDocument } from 'yaml';
import { KubeconfigError, NoCredentialsError } from './kubeconfig-error.ts';
import { parseCertificates, parseIdentity, refuseCredentials } from './kubeconfig-user.ts';
import type { Identity } from './kubeconfig-user.ts';
import { arrayAt, at, isObject, stringAt } from './json.ts';
import type { JsonObject } from './json.ts';
import { parseWorkspace } from './paths.ts';

/** Where kcp is and whom to trust there. No credentials: those are sent with each request. */
export interface KcpEndpoint {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** `host:port`, for messages. */
  readonly host: string;
  /** PEM certificates to trust; undefined means Node's own trust store. */
  readonly ca: string | undefined;
  /** Name in the server's certificate where it isn't the host of `origin` (kubeconfig `tls-server-name`). */
  readonly serverName: string | undefined;
  /** The workspace of the server URL's `/clusters/<workspace>`, if it had one. */
  readonly workspace: string | undefined;
  /** What stands before every path; empty for kcp, where each request names its workspace. */
  readonly basePath: string;
}

export interface KubeconfigUse {
  /** Whether the server is one plain cluster, whose API may lie below a path; for kcp the path is a workspace's. */
  readonly plain?: boolean;
}

export { KubeconfigError, NoCredentialsError };

const MAX_BYTES = 1024 * 1024;

const INLINE_CA = 'put the PEM, base64-encoded, into certificate-authority-data';

/** What a cluster entry may hold beside server, certificate-authority-data and tls-server-name, and doesn't matter here. */
const CLUSTER_IGNORED = new Set(['disable-compression', 'extensions']);

const CLUSTER_REFUSED: Readonly<Record<string, string>> = {
  'insecure-skip-tls-verify': "callers' tokens are sent over verified TLS only; remove it and give the CA",
  'proxy-url': "proxies are not used: callers' tokens go to kcp and nowhere else",
  'certificate-authority': `files are not read; ${INLINE_CA}`,
};

/**
 * Parses a kubeconfig strictly: the cluster of `current-context`, with an https server and, inline, its CA.
 *
 * Everything that would execute a program, read a file, weaken TLS or lend an identity is refused by name rather than
 * ignored, so that a file that works here works as it reads.
 *
 * @param text YAML or JSON, at most 1 MiB.
 * @throws {KubeconfigError}
 * @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function parseKubeconfig(text: string, use: KubeconfigUse = {}): KcpEndpoint {
  const { endpoint, config, userName } = parseCluster(text, use);
  if (userName !== undefined) refuseCredentials(userNamed(config, userName), userName);
  return endpoint;
}

/**
 * Parses a kubeconfig as strictly, one that lends an identity: its user has, inline, either a client certificate with its
 * key or a token.
 *
 * @throws {KubeconfigError}
 */
export function parseIdentityKubeconfig(
  text: string,
  use: KubeconfigUse = {},
): { readonly endpoint: KcpEndpoint; readonly identity: Identity } {
  const { endpoint, config, userName } = parseCluster(text, use);
  if (userName === undefined) throw new KubeconfigError('the current context names no user');
  return { endpoint, identity: parseIdentity(userNamed(config, userName), userName) };
}

function parseCluster(
  text: string,
  { plain = false }: KubeconfigUse = {},
): {
  readonly endpoint: KcpEndpoint;
  readonly config: JsonObject;
  readonly userName: string | undefined;
} {
  const config = readKubeconfig(text);
  const context = entry(config, 'contexts', 'context', currentContext(config));
  const clusterName = stringAt(context, 'cluster');
  if (clusterName === undefined) throw new KubeconfigError('the current context names no cluster');
  const cluster = entry(config, 'clusters', 'cluster', clusterName);
  refuseUnusable(cluster, `cluster ${JSON.stringify(clusterName)}`);
  const endpoint = {
    ...parseServer(stringAt(cluster, 'server'), clusterName, plain),
    ca: parseCa(at(cluster, 'certificate-authority-data')),
    serverName: stringAt(cluster, 'tls-server-name'),
  };
  return { endpoint, config, userName: stringAt(context, 'user') };
}

function userNamed(config: JsonObject, name: string): unknown {
  return at(
    arrayAt(config, 'users').find((item) => at(item, 'name') === name),
    'user',
  );
}

/** The kubeconfig as it is written, nothing of it checked. @throws {KubeconfigError} when it isn't one */
export function readKubeconfig(text: string): JsonObject {
  if (Buffer.byteLength(text) > MAX_BYTES) throw new KubeconfigError('the kubeconfig is larger than 1 MiB');
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = text.slice(0, problem.pos[0]).split('\n').length;
    throw new KubeconfigError(`the kubeconfig isn't valid YAML: ${problem.code} in line ${line}`);
  }
  // Aliases have no place in a kubeconfig and are the way to make a small file large.
  const config: unknown = toJS(() => document.toJS({ maxAliasCount: 0 }));
  if (!isObject(config)) throw new KubeconfigError('the kubeconfig is empty or not a mapping');
  if (config['kind'] !== undefined && config['kind'] !== 'Config') {
    throw new KubeconfigError('kind is not Config: this is not a kubeconfig');
  }
  return config;
}

function toJS(convert: () => unknown): unknown {
  try {
    return convert();
  } catch {
    throw new KubeconfigError('the kubeconfig uses YAML aliases; write the values out');
  }
}

function currentContext(config: JsonObject): string {
  const name = stringAt(config, 'current-context');
  if (name === undefined) throw new KubeconfigError('current-context is missing');
  return name;
}

/** The `body` of the entry called `name` in one of the kubeconfig's named lists. */
function entry(config: JsonObject, list: string, body: string, name: string): JsonObject {
  const found = arrayAt(config, list).find((item) => at(item, 'name') === name);
  const value = at(found, body);
  if (!isObject(value)) throw new KubeconfigError(`${list} has no entry ${JSON.stringify(name)} with a ${body}`);
  return value;
}

function refuseUnusable(cluster: JsonObject, where: string): void {
  for (const [key, value] of Object.entries(cluster)) {
    if (key === 'server' || key === 'certificate-authority-data' || key === 'tls-server-name') continue;
    if (CLUSTER_IGNORED.has(key) || value === false || value === '' || value === null) continue;
    throw new KubeconfigError(`${where}: ${key} is not accepted: ${CLUSTER_REFUSED[key] ?? 'unknown field'}`);
  }
}

function parseServer(
  server: string | undefined,
  cluster: string,
  plain: boolean,
): Pick<KcpEndpoint, 'origin' | 'host' | 'workspace' | 'basePath'> {
  const where = `cluster ${JSON.stringify(cluster)}: server`;
  const url = server !== undefined && URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:') {
    throw new KubeconfigError(`${where} must be an https URL such as https://kcp.example.com:6443`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new KubeconfigError(`${where} must have no user, query or fragment`);
  }
  const base = { origin: url.origin, host: url.port === '' ? `${url.hostname}:443` : url.host, basePath: '' };
  const path = url.pathname.replace(/\/+$/, '');
  if (plain) return { ...base, workspace: undefined, basePath: path };
  if (path === '') return { ...base, workspace: undefined };
  const workspace = /^\/clusters\/([^/]+)$/.exec(path)?.[1];
  if (workspace === undefined) {
    throw new KubeconfigError(`${where} may have the path /clusters/<workspace> or none; ${path} is neither`);
  }
  try {
    return { ...base, workspace: parseWorkspace(decodeURIComponent(workspace)) };
  } catch {
    throw new KubeconfigError(`${where}: ${path} doesn't name a workspace`);
  }
}

function parseCa(data: unknown): string | undefined {
  if (data === undefined || data === null || data === '') return undefined;
  return parseCertificates(data, 'certificate-authority-data');
}
