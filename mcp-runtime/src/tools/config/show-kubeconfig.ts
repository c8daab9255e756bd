import { X509Certificate } from 'node:crypto';
import { arrayAt, at, isObject, stringAt } from '../../kcp/json.ts';
import type { JsonObject } from '../../kcp/json.ts';
import { REDACTED } from '../../output/redact.ts';
import { oneLine } from '../../output/text.ts';

/** What is shown of a cluster and of a context as it stands. All else, what we don't know included, is only named. */
const CLUSTER_SHOWN = new Set(['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority', 'disable-compression', 'proxy-url']); // prettier-ignore
const CONTEXT_SHOWN = new Set(['cluster', 'user', 'namespace']);

/**
 * The kubeconfig as it may be shown: its credentials are only named, its CAs said in words.
 * @param minified keeps only what belongs to the current context, as `kubectl config view --minify`.
 */
export function showKubeconfig(config: JsonObject, minified: boolean): JsonObject {
  const current = stringAt(config, 'current-context');
  const context = arrayAt(config, 'contexts').find((each) => stringAt(each, 'name') === current);
  const part = (list: string, kept: string | undefined, show: (body: JsonObject) => unknown) =>
    arrayAt(config, list)
      .filter((entry) => !minified || stringAt(entry, 'name') === kept)
      .map((entry) => {
        // `clusters` has entries {name, cluster}, and so have the others.
        const body = at(entry, list.slice(0, -1));
        return { [list.slice(0, -1)]: isObject(body) ? show(body) : REDACTED, name: stringAt(entry, 'name') ?? '' };
      });
  return {
    apiVersion: 'v1',
    clusters: part('clusters', stringAt(context, 'context', 'cluster'), showCluster),
    contexts: part('contexts', current, (body) => only(body, CONTEXT_SHOWN)),
    'current-context': current ?? '',
    kind: 'Config',
    users: part('users', stringAt(context, 'context', 'user'), (body) => only(body, new Set())),
  };
}

function showCluster(cluster: JsonObject): JsonObject {
  return mapValues(only(cluster, CLUSTER_SHOWN), (key, value) => {
    if (key === 'certificate-authority-data') return describeCa(cluster[key]);
    return typeof value === 'string' ? withoutCredentials(value) : value;
  });
}

function only(body: JsonObject, shown: ReadonlySet<string>): JsonObject {
  return mapValues(body, (key, value) => (shown.has(key) && !isObject(value) ? value : REDACTED));
}

function mapValues(body: JsonObject, map: (key: string, value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, map(key, value)]));
}

/** URLs may hold a user and a password. */
function withoutCredentials(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, `$1${REDACTED}@`);
}

/** The certificates instead of kilobytes of Base64: whose they are, and until when. */
function describeCa(data: unknown): string {
  const pem = typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '';
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const certificates = blocks.slice(0, 10).map((block) => {
    try {
      const { subject, validTo, fingerprint256 } = new X509Certificate(block);
      const end = new Date(validTo).toISOString().slice(0, 10);
      return `${oneLine(subject)}, until ${end}, SHA-256 ${fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()}…`;
    } catch {
      return 'one that cannot be read';
    }
  });
  return `[${blocks.length === 1 ? '1 certificate' : `${blocks.length} certificates`}: ${certificates.join('; ')}]`;
}
