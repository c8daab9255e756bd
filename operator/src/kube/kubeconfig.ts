/**
 * Kubeconfig files, merged and resolved as kubectl does: the first file that names something wins, paths are relative to
 * the file that holds them. Users with `exec` or `auth-provider` are left to @kubernetes/client-node, which is loaded for
 * them only: it takes 0.7 s and tens of MB.
 */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { CredentialsError, bearer, readText } from './credentials.ts';
import type { Credentials } from './credentials.ts';

type Fields = Record<string, unknown>;
/** An entry of clusters, users or contexts, and the file that it's from. */
interface Entry {
  fields: Fields;
  file: string;
}
interface Merged {
  currentContext: string | undefined;
  clusters: Map<string, Entry>;
  users: Map<string, Entry>;
  contexts: Map<string, Entry>;
}

/** The files to read: the given one (which must exist), or those of KUBECONFIG or ~/.kube/config that exist. */
export async function kubeconfigFiles(explicit: string | undefined, env: NodeJS.ProcessEnv): Promise<string[]> {
  if (explicit !== undefined && explicit !== '') return [resolve(explicit)];
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  const candidates = listed.length > 0 ? listed : [join(env['HOME'] ?? homedir(), '.kube', 'config')];
  const found = await Promise.all(
    candidates.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const files = candidates.filter((_, i) => found[i]).map((file) => resolve(file));
  if (listed.length > 0 && files.length === 0) throw new CredentialsError(`KUBECONFIG names no file that exists`);
  return files;
}

export async function readKubeconfig(
  files: readonly string[],
  contextName: string | undefined,
): Promise<Credentials & { namespace: string | undefined }> {
  const merged = await merge(files);
  const where = files.join(', ');
  const name = contextName ?? merged.currentContext;
  if (name === undefined) throw new CredentialsError(`${where} has no current-context`);
  const context = merged.contexts.get(name);
  if (context === undefined) throw new CredentialsError(`${where} has no context "${name}"`);
  const clusterName = text(context, 'cluster', `context "${name}"`);
  const cluster = clusterName === undefined ? undefined : merged.clusters.get(clusterName);
  if (cluster === undefined) throw new CredentialsError(`${context.file}: the cluster of context "${name}" is missing`);
  const userName = text(context, 'user', `context "${name}"`);
  const user = userName === undefined ? undefined : merged.users.get(userName);
  return {
    ...(await readCluster(cluster)),
    ...(user === undefined ? { headers: {} } : await readUser(user, files, name)),
    namespace: text(context, 'namespace', `context "${name}"`),
  };
}

async function merge(files: readonly string[]): Promise<Merged> {
  const merged: Merged = { currentContext: undefined, clusters: new Map(), users: new Map(), contexts: new Map() };
  for (const file of files) {
    const document = parseFile(await readText(file), file);
    const current = document['current-context'];
    if (typeof current === 'string' && current !== '') merged.currentContext ??= current;
    for (const [list, item] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const) {
      for (const entry of Array.isArray(document[list]) ? (document[list] as Fields[]) : []) {
        const entryName = entry['name'];
        if (typeof entryName === 'string' && !merged[list].has(entryName)) {
          merged[list].set(entryName, { fields: (entry[item] ?? {}) as Fields, file });
        }
      }
    }
  }
  return merged;
}

function parseFile(content: string, file: string): Fields {
  try {
    const document: unknown = parse(content);
    if (document !== null && typeof document === 'object') return document as Fields;
  } catch {
    // the parser's message quotes the file, and that may be a token
  }
  throw new CredentialsError(`${file} is not a kubeconfig (YAML)`);
}

async function readCluster(cluster: Entry): Promise<Omit<Credentials, 'headers'>> {
  const server = text(cluster, 'server', 'cluster');
  if (server === undefined || !URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new CredentialsError(`${cluster.file}: the cluster's "server" is not an http(s) URL`);
  }
  if (text(cluster, 'proxy-url', 'cluster') !== undefined) {
    throw new CredentialsError(`${cluster.file}: the cluster's "proxy-url" is not supported`);
  }
  return {
    server: server.replace(/\/+$/, ''),
    ca: await pem(cluster, 'certificate-authority'),
    servername: text(cluster, 'tls-server-name', 'cluster'),
    insecure: cluster.fields['insecure-skip-tls-verify'] === true,
  };
}

async function readUser(
  user: Entry,
  files: readonly string[],
  context: string,
): Promise<Pick<Credentials, 'headers' | 'cert' | 'key'>> {
  if (user.fields['exec'] !== undefined || user.fields['auth-provider'] !== undefined) {
    return readPluginUser(files, context);
  }
  const tokenFile = path(user, 'tokenFile');
  const token = tokenFile === undefined ? text(user, 'token', 'user') : await readText(tokenFile);
  const username = text(user, 'username', 'user');
  const headers: Record<string, string> = {};
  if (token !== undefined) Object.assign(headers, bearer(token, `${user.file}: the user's token`));
  else if (username !== undefined) {
    const basic = `${username}:${text(user, 'password', 'user') ?? ''}`;
    headers['authorization'] = `Basic ${Buffer.from(basic).toString('base64')}`;
  }
  const as = text(user, 'as', 'user');
  if (as !== undefined) headers['impersonate-user'] = as;
  return { headers, cert: await pem(user, 'client-certificate'), key: await pem(user, 'client-key') };
}

async function readPluginUser(
  files: readonly string[],
  context: string,
): Promise<Pick<Credentials, 'headers' | 'cert' | 'key'>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const [first = '', ...rest] = files;
  config.loadFromFile(first);
  for (const file of rest) {
    const further = new KubeConfig();
    further.loadFromFile(file);
    config.mergeConfig(further, true);
  }
  config.setCurrentContext(context);
  const options: { headers?: Record<string, unknown>; cert?: unknown; key?: unknown } = {};
  try {
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
  } catch {
    // what a plugin prints may be its credentials
    throw new CredentialsError(`the exec or auth-provider plugin of context "${context}" failed`);
  }
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    headers: Object.fromEntries(headers) as Record<string, string>,
    cert: asText(options.cert),
    key: asText(options.key),
  };
}

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : undefined;

/** FIELD-data (base64) or the file that FIELD names. */
async function pem(entry: Entry, field: string): Promise<string | undefined> {
  const data = text(entry, `${field}-data`, 'entry');
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const file = path(entry, field);
  return file === undefined ? undefined : readText(file);
}

function path(entry: Entry, field: string): string | undefined {
  const value = text(entry, field, 'entry');
  return value === undefined ? undefined : resolve(dirname(entry.file), value);
}

function text(entry: Entry, field: string, what: string): string | undefined {
  const value = entry.fields[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new CredentialsError(`${entry.file}: "${field}" of the ${what} is not a string`);
  return value;
}
