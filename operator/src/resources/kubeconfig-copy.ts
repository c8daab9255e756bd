// What is copied of a kubeconfig: by whitelist, so that nothing gets through because nobody thought of it. Of the
// current context's cluster that is the https server, the CA and the TLS server name. Certificate, key or token of its user
// are part of the copy only where they are asked for (mode Kubeconfig). Fields that would make the source work where the copy
// can't are refused by name.
import { createHash } from 'node:crypto';
import { type Document, isScalar, parseDocument, stringify, visit } from 'yaml';
import { copyCredentials, publicPart, renderCredentials, type Credentials } from './kubeconfig-credentials.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import { certificateBlocks } from './pem.ts';

/** Where kcp is and how to recognise it. */
export interface KubeconfigCopy {
  /** Base URL of kcp's front-proxy, without `/clusters/…` and without a slash at its end. */
  server: string;
  /** Workspace of the source's server URL; left out where that has no `/clusters/…`. */
  workspace?: string;
  /** PEM certificates in base64, as `certificate-authority-data`; left out when the system's CAs are to be used. */
  caData?: string;
  /** Name that the server's certificate is checked against in place of the URL's host. */
  tlsServerName?: string;
  /** Mode Kubeconfig only. */
  credentials?: Credentials;
}

export { KubeconfigError };

type Mapping = Record<string, unknown>;

/** The API server's limit for a Secret; what is larger can't have come from one. */
const MAX_BYTES = 1024 * 1024;

/** RFC 1035 §2.3.4, without the dot at the end. */
const MAX_HOST = 253;

/** Fields of a user that only work where the source was made. */
const REFUSED_USER_FIELDS: Record<string, string> = {
  exec: 'is not supported: it would run a program of the machine that the kubeconfig was made on',
  'auth-provider': 'is not supported: it would run code of the client that the kubeconfig was made for',
  tokenFile: 'is not supported: it names a file that is not in the Secret',
  'client-certificate': 'is not supported: it names a file that is not in the Secret',
  'client-key': 'is not supported: it names a file that is not in the Secret',
};

/**
 * Reads what may be copied of the current context of a kubeconfig.
 *
 * @param source text of a kubeconfig, YAML or JSON
 * @param wanted.credentials whether those of the user are copied, too
 * @throws KubeconfigError naming the field that is missing, wrong or refused
 * @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function copyKubeconfig(source: string, { credentials = false } = {}): KubeconfigCopy {
  const config = parse(source);
  const context = named(config, 'contexts', 'context', currentContext(config));
  const cluster = named(config, 'clusters', 'cluster', text(context['cluster'], 'contexts[].context.cluster'));
  const user =
    credentials || isSet(context['user'])
      ? named(config, 'users', 'user', text(context['user'], 'contexts[].context.user'))
      : {};
  refuseUser(user);

  if (isSet(cluster['proxy-url']))
    throw new KubeconfigError('clusters[].cluster.proxy-url', 'is not supported: kcp must be reachable directly');
  if (cluster['insecure-skip-tls-verify'] === true || cluster['insecure-skip-tls-verify'] === 'true')
    throw new KubeconfigError(
      'clusters[].cluster.insecure-skip-tls-verify',
      "is refused: anybody could pose as kcp. Put kcp's CA into certificate-authority-data in its place",
    );
  if (isSet(cluster['certificate-authority']))
    throw new KubeconfigError(
      'clusters[].cluster.certificate-authority',
      'is not supported: it names a file that is not in the Secret; use certificate-authority-data',
    );

  return {
    ...serverURL(cluster['server']),
    ...(isSet(cluster['certificate-authority-data'])
      ? { caData: certificates(cluster['certificate-authority-data']) }
      : {}),
    ...(isSet(cluster['tls-server-name']) ? { tlsServerName: serverName(cluster['tls-server-name']) } : {}),
    ...(credentials ? { credentials: copyCredentials(user, isSet) } : {}),
  };
}

/**
 * The copy as a kubeconfig file, the same text for the same copy. Without credentials its user is empty: every request brings
 * a token. The server has a workspace, `root` if need be: kubernetes-mcp-server starts with no other, and our runtime takes both.
 */
export const renderKubeconfig = onceForEach((copy) =>
  render(copy, copy.credentials && renderCredentials(copy.credentials)),
);

/** A copy may be that of many KcpMcpServers. */
function onceForEach(make: (copy: KubeconfigCopy) => string): (copy: KubeconfigCopy) => string {
  const made = new WeakMap<KubeconfigCopy, string>();
  return (copy) => {
    const text = made.get(copy) ?? make(copy);
    made.set(copy, text);
    return text;
  };
}

function render({ server, workspace = 'root', caData, tlsServerName }: KubeconfigCopy, shared?: Mapping): string {
  const name = 'kcp';
  const user = shared ? 'shared' : 'caller';
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            server: `${server}/clusters/${workspace}`,
            ...(caData === undefined ? {} : { 'certificate-authority-data': caData }),
            ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
          },
        },
      ],
      users: [{ name: user, user: shared ?? {} }],
      contexts: [{ name, context: { cluster: name, user } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

/**
 * The same kubeconfig with a word in place of whatever its users have: which fields are set is told, not what is in them. A text
 * that is none comes back as it is.
 */
export function withoutCredentials(source: string): string {
  let config: Mapping;
  try {
    config = parse(source);
  } catch (error) {
    if (error instanceof KubeconfigError) return source;
    throw error;
  }
  const { users } = config;
  return Array.isArray(users) ? JSON.stringify({ ...config, users: users.map(withoutValues) }) : source;
}

function withoutValues(entry: unknown): unknown {
  if (!isMapping(entry) || !isMapping(entry['user'])) return isMapping(entry) ? { ...entry, user: {} } : {};
  const fields = Object.entries(entry['user']).map(([field, value]) => [field, isSet(value) ? 'withheld' : value]);
  return { ...entry, user: Object.fromEntries(fields) as Mapping };
}

/**
 * Names of the users that a kubeconfig has, whatever is in them.
 * @throws KubeconfigError
 */
export function kubeconfigUsers(source: string): unknown[] {
  const { users } = parse(source);
  return Array.isArray(users) ? users.map((user: unknown) => (isMapping(user) ? user['name'] : undefined)) : [];
}

/**
 * SHA-256, in hex, of the file that {@link renderKubeconfig} makes, without key and token: `status.kubeconfig.sha256`. Many may
 * read that who must not have a means to try out what the secret may be.
 */
export const kubeconfigSha256 = onceForEach((copy) =>
  createHash('sha256')
    .update(render(copy, copy.credentials && publicPart(copy.credentials)))
    .digest('hex'),
);

/**
 * JSON's types only, whatever a %YAML directive asks for. The parser finds keys that are there twice (so does its !!omap)
 * by comparing each with each: a file of 1 MiB would hold up all work for minutes.
 */
const PLAIN_YAML = {
  schema: 'core',
  resolveKnownTags: false,
  merge: false,
  prettyErrors: false,
  uniqueKeys: false,
} as const;

function parse(source: string): Mapping {
  if (Buffer.byteLength(source) > MAX_BYTES) throw new KubeconfigError('', 'the kubeconfig is larger than 1 MiB');
  let value: unknown;
  try {
    const document = parseDocument(source, PLAIN_YAML);
    // The parser's message would quote the line at fault, which may be one with a key in it.
    if (document.errors.length || hasKeyTwice(document)) throw new Error();
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new KubeconfigError('', 'the kubeconfig is not valid YAML');
  }
  if (!isMapping(value)) throw new KubeconfigError('', 'the kubeconfig is not a YAML mapping');
  return value;
}

/** Whether a mapping has a key twice, or one that is no scalar: which value was meant is anybody's guess. */
function hasKeyTwice(document: Document): boolean {
  let found = false;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set(items.map(({ key }) => (isScalar(key) ? String(key.value) : undefined)));
      found ||= keys.size < items.length || keys.has(undefined);
      return found ? visit.BREAK : undefined;
    },
  });
  return found;
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a field says anything: kubectl writes some of them empty. */
const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

function text(value: unknown, field: string): string {
  if (!isSet(value)) throw new KubeconfigError(field, 'is missing');
  if (typeof value !== 'string') throw new KubeconfigError(field, 'is not a string');
  return value;
}

function currentContext(config: Mapping): string {
  if (!isSet(config['current-context']))
    throw new KubeconfigError('current-context', 'is missing: it says which context is meant');
  return text(config['current-context'], 'current-context');
}

/** The `field` of the entry of `list` with this name. */
function named(config: Mapping, list: string, field: string, name: string): Mapping {
  const entries = config[list];
  if (!Array.isArray(entries)) throw new KubeconfigError(list, 'is missing or not a list');
  const entry: unknown = entries.find((each) => isMapping(each) && each['name'] === name);
  if (!isMapping(entry)) throw new KubeconfigError(list, `has no entry for the ${field} of the current context`);
  const value = entry[field];
  if (!isMapping(value)) throw new KubeconfigError(`${list}[].${field}`, 'is missing or not a mapping');
  return value;
}

function refuseUser(user: Mapping): void {
  for (const [field, problem] of Object.entries(REFUSED_USER_FIELDS))
    if (isSet(user[field])) throw new KubeconfigError(`users[].user.${field}`, problem);
}

function serverURL(value: unknown): Pick<KubeconfigCopy, 'server' | 'workspace'> {
  const field = 'clusters[].cluster.server';
  const server = text(value, field);
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:') throw new KubeconfigError(field, 'must be an https URL');
  if (url.hostname.length > MAX_HOST)
    throw new KubeconfigError(field, `must have a host of at most ${MAX_HOST} characters`);
  if (url.username || url.password) throw new KubeconfigError(field, 'must not hold a user or password');
  if (url.search || url.hash) throw new KubeconfigError(field, 'must not have a query or fragment');
  const path = url.pathname.replace(/\/+$/, '');
  const workspace = /^\/clusters\/([a-z0-9][a-z0-9:-]*)$/.exec(path)?.[1];
  if (path !== '' && !workspace) throw new KubeconfigError(field, 'must have the path /clusters/WORKSPACE or none');
  return { server: url.origin, ...(workspace ? { workspace } : {}) };
}

function serverName(value: unknown): string {
  const field = 'clusters[].cluster.tls-server-name';
  const name = text(value, field);
  if (!/^[A-Za-z0-9._:-]{1,253}$/.test(name)) throw new KubeconfigError(field, 'must be a host name or IP address');
  return name;
}

/** The CERTIFICATE blocks of the data and nothing else: a bundle may hold a key too. */
function certificates(value: unknown): string {
  const field = 'clusters[].cluster.certificate-authority-data';
  const blocks = certificateBlocks(Buffer.from(text(value, field), 'base64').toString('latin1'));
  if (!blocks.length) throw new KubeconfigError(field, 'holds no PEM certificate that can be read');
  return Buffer.from(blocks.join('')).toString('base64');
}
