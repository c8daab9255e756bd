// The credentials of a kubeconfig's user, which are copied in mode Kubeconfig only: by whitelist, as all of a kubeconfig.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { KubeconfigError } from './kubeconfig-error.ts';
import { certificateBlocks } from './pem.ts';

/** Who kcp sees for everybody: a client certificate and its key, both PEM in base64, or a bearer token. */
export type Credentials = { certificateData: string; keyData: string } | { token: string };

const CERTIFICATE = 'client-certificate-data';
const KEY = 'client-key-data';
const TOKEN = 'token';

const WANTED = `mode Kubeconfig copies ${CERTIFICATE} with ${KEY}, or ${TOKEN}`;

/** RFC 6750 §2.1. */
const BEARER = /^[\w\-.~+/]+=*$/;

const KEY_BLOCK = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----/;

/**
 * Reads them, and sees that they can be used: the Pods would only fail with them.
 *
 * @param user the entry of the kubeconfig
 * @param isSet whether a field says anything
 * @throws KubeconfigError naming the field that is missing, wrong or not copied
 */
export function copyCredentials(user: Record<string, unknown>, isSet: (value: unknown) => boolean): Credentials {
  const set = Object.keys(user).filter((field) => field !== 'extensions' && isSet(user[field]));
  const other = set.find((field) => ![CERTIFICATE, KEY, TOKEN].includes(field));
  if (other !== undefined) throw wrong(KNOWN.has(other) ? other : '…', `is not supported: ${WANTED}`);
  if (set.length === 0) throw new KubeconfigError('users[].user', `has no credentials: ${WANTED}`);
  if (set.includes(TOKEN)) {
    if (set.length > 1) throw wrong(TOKEN, `stands beside ${CERTIFICATE}: keep the one that is to count`);
    const token = user[TOKEN];
    if (typeof token !== 'string' || !BEARER.test(token)) throw wrong(TOKEN, 'is not a bearer token');
    return { token };
  }
  for (const field of [CERTIFICATE, KEY])
    if (!set.includes(field)) throw wrong(field, 'is missing: a client certificate goes together with its key');
  const certificates = certificateBlocks(pemOf(user[CERTIFICATE]));
  const [leaf] = certificates;
  if (leaf === undefined) throw wrong(CERTIFICATE, 'holds no PEM certificate that can be read');
  const key = KEY_BLOCK.exec(pemOf(user[KEY]))?.[0];
  if (key === undefined || !isKey(key)) throw wrong(KEY, 'holds no PEM private key that is not encrypted');
  if (!new X509Certificate(leaf).checkPrivateKey(createPrivateKey(key)))
    throw wrong(KEY, `is not the key of ${CERTIFICATE}`);
  return { certificateData: base64(certificates.join('')), keyData: base64(`${key}\n`) };
}

/** As a kubeconfig has them. */
export function renderCredentials(credentials: Credentials): Record<string, string> {
  if ('token' in credentials) return { [TOKEN]: credentials.token };
  return { [CERTIFICATE]: credentials.certificateData, [KEY]: credentials.keyData };
}

/** What of them anybody may know: the certificate, which is shown to whoever is connected to. */
export function publicPart(credentials: Credentials): Record<string, string> {
  return 'token' in credentials ? {} : { [CERTIFICATE]: credentials.certificateData };
}

/** Fields whose names may be told; any other may be a slip of the hand that has a secret in it. */
const KNOWN = new Set([
  ...['exec', 'auth-provider', 'tokenFile', 'client-certificate', 'client-key', 'username', 'password'],
  ...['as', 'as-uid', 'as-groups', 'as-user-extra'],
]);

const wrong = (field: string, problem: string): KubeconfigError =>
  new KubeconfigError(`users[].user.${field}`, problem);

const pemOf = (value: unknown): string =>
  typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : '';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function isKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
