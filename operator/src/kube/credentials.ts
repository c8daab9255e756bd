/** Where the API server is and who we are there: from a kubeconfig or from the Pod's service account. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { kubeconfigFiles, readKubeconfig } from './kubeconfig.ts';

/** One state of the credentials. */
export interface Credentials {
  /** Base URL without a trailing slash; may have a path. */
  server: string;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** TLS server name where it isn't the host of `server`. */
  servername?: string | undefined;
  insecure?: boolean | undefined;
  /** Authorization and impersonation headers. */
  headers: Record<string, string>;
}

/** Credentials that may change on disk. */
export interface CredentialsSource {
  /** For logs: the file or "service account". */
  readonly description: string;
  /** Reads everything anew. Rejects with {@link CredentialsError}. */
  read(): Promise<Credentials & { namespace: string | undefined }>;
}

/** The credentials can't be loaded. The message names file and field, never what they hold. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

export interface CredentialsOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  env?: NodeJS.ProcessEnv;
  /** Default `/var/run/secrets/kubernetes.io/serviceaccount`. */
  serviceAccountDir?: string;
}

/**
 * Chooses, in this order: `kubeconfig`, the files of `KUBECONFIG`, `~/.kube/config`, the Pod's service account.
 *
 * @throws CredentialsError when there is none of them.
 */
export async function findCredentials(options: CredentialsOptions = {}): Promise<CredentialsSource> {
  const env = options.env ?? process.env;
  const files = await kubeconfigFiles(options.kubeconfig, env);
  if (files.length > 0) {
    return { description: `kubeconfig ${files.join(', ')}`, read: () => readKubeconfig(files, options.context) };
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host !== undefined && host !== '') {
    const dir = options.serviceAccountDir ?? '/var/run/secrets/kubernetes.io/serviceaccount';
    const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
    return { description: 'service account', read: () => readServiceAccount(server, dir) };
  }
  throw new CredentialsError('no kubeconfig (--kubeconfig, KUBECONFIG, ~/.kube/config) and not running in a Pod');
}

async function readServiceAccount(server: string, dir: string): ReturnType<CredentialsSource['read']> {
  const [token, ca, namespace] = await Promise.all([
    readText(join(dir, 'token')),
    readText(join(dir, 'ca.crt')),
    readText(join(dir, 'namespace')).catch(() => undefined),
  ]);
  return { server, ca, headers: bearer(token, join(dir, 'token')), namespace: namespace?.trim() };
}

/** Reads a file, or says which one couldn't be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CredentialsError(`can't read ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  }
}

/** An Authorization header, refused when the token couldn't be one (the HTTP client's error would show it). */
export function bearer(token: string, where: string): Record<string, string> {
  const trimmed = token.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw new CredentialsError(`${where} holds no valid token`);
  return { authorization: `Bearer ${trimmed}` };
}

/** Equal for credentials that need no new connections. */
export function tlsFingerprint(credentials: Credentials): string {
  const { server, ca, cert, key, servername, insecure } = credentials;
  return createHash('sha256')
    .update(JSON.stringify([server, ca, cert, key, servername, insecure]))
    .digest('base64');
}
